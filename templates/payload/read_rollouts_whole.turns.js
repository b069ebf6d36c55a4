// What is new in a file is told as a whole, or not at all: it would be read again, and told twice.
if (!require("./codex-native-batch").isOpen()) {
  return require("./codex-native-batch").whole(ingestCodexTranscript)(transcriptPath, options);
}
