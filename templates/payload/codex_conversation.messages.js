if (session.harness === "codex") {
  return require("../lib/codex-conversation").sendTranscript(session, req.query, res);
}
