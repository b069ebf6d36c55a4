if (!require("../lib/agent-cli/ledger").admit(data)) return res.json({ ok: true });
