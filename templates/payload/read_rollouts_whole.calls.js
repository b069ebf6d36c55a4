// Tool calls have a cursor of their own, which must not be lost without their rows.
if (!require("./codex-native-batch").isOpen()) {
  return require("./codex-native-batch").whole(ingestCodexToolEvents)(transcriptPath, options);
}
