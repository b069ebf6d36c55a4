if (session.harness === "codex") return require("../lib/codex-conversation").sendTranscripts(session, res);
