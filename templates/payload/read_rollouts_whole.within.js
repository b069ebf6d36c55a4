require("./codex-native-batch").whole
