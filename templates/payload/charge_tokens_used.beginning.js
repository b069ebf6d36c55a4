// A file that continues another one goes on from its total, which is not this session's.
counters = require("./codex-native-tokens").begunWith(record.payload.info || {}, counters);
