"""A miniature of the v2 line, made of the builtin sidecar: upstream's own Codex monitoring, in few words of ours.

So that what the series does on the v2 line runs where there is no upstream.
"""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

from patcher.model import File, Upstream
from patcher.upstream.materialize import materialize

VERSION = "2.0.3"
_INGEST = Path(__file__).with_name("codex-ingest.js")

_COUNTERS = """
db.exec(`
  CREATE TABLE IF NOT EXISTS codex_ingest_state (
    transcript_path TEXT PRIMARY KEY, session_id TEXT, byte_offset INTEGER NOT NULL DEFAULT 0,
    input_tokens INTEGER NOT NULL DEFAULT 0, cached_input_tokens INTEGER NOT NULL DEFAULT 0,
    cache_write_input_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0,
    reasoning_output_tokens INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS codex_tool_ingest_state (
    transcript_path TEXT PRIMARY KEY, session_id TEXT, byte_offset INTEGER NOT NULL DEFAULT 0
  );
`);
if (!hasColumn("sessions", "provider")) {
  db.exec("ALTER TABLE sessions ADD COLUMN provider TEXT NOT NULL DEFAULT 'claude'");
}
db.exec("CREATE INDEX IF NOT EXISTS idx_sessions_provider ON sessions(provider)");
"""
_ROUTE = """
// As with Express: whoever asks the router again may have changed the address.
router.handle = (req, res, done) => router(Object.assign(req, { path: req.url }), res, done);

// Codex has a road of its own.
router.post("/codex", (req, res) => {
  const { hook_type, data } = req.body;
  res.status(202).json({ ok: true });
  setImmediate(() => require("../lib/codex-ingest").ingestHook(data.transcript_path, hook_type, data));
});

"""

_PROVIDER_FILTER = """
"use strict";

const VALID_PROVIDERS = new Set(["claude", "codex"]);

/** The providers that a request asks for; null for all of them. */
const parseProviders = (req) => String(req.query.providers || "").split(",").filter((name) => VALID_PROVIDERS.has(name));

module.exports = { parseProviders };
"""

_EDITS: dict[str, tuple[tuple[str, str], ...]] = {
    "server/db.js": (
        ("\n// A session whose last sign of life", f"{_COUNTERS}\n// A session whose last sign of life"),
        ("DB_PATH };\n", "DB_PATH };\nmodule.exports.DEFAULT_GPT_PRICING = [];\n"),
    ),
    "server/routes/pricing.js": (
        ('\nrouter.get("/", ', '\n// Upstream has another table for Codex.\nconst calculateProviderCost = calculateCost;\n\nrouter.get("/", '),
        ("calculateCost(tokensOf(), ", "calculateProviderCost(tokensOf(), "),
        ("calculateCost(tokensOf(req", "calculateProviderCost(tokensOf(req"),
    ),
    "server/routes/hooks.js": (
        ("// Whatever a hook sends comes in here.", f"{_ROUTE.lstrip()}// Whatever a hook sends comes in here."),
        ("livenessReap({ ignoreIdleGate = false } = {})", 'livenessReap({ ignoreIdleGate = false, provider = "claude" } = {})'),
        ("COALESCE(cwd, '') <> ''\")\n    .all()", "COALESCE(cwd, '') <> '' AND provider = ?\")\n    .all(provider)"),
        ("probeLiveCwds()", "probeLiveCwds(provider)"),
        ("    livenessReap();\n", '    livenessReap();\n    livenessReap({ provider: "codex" });\n'),
    ),
    "server/lib/session-liveness.js": (
        ("function isClaudeCommand(command)", "function isCommandOf(binary, command)"),
        ('program === "claude"', "program === binary"),
        ('script === "claude"', "script === binary"),
        ("function probeLiveCwds()", 'function probeLiveCwds(binary = "claude")'),
        ("isClaudeCommand(command))", "isCommandOf(binary, command))"),
        ("{ probeLiveCwds, isClaudeCommand }", "{ probeLiveCwds, isCommandOf }"),
    ),
    "server/index.js": (
        (
            "livenessReap({ ignoreIdleGate: true });",
            'livenessReap({ ignoreIdleGate: true });\n      require("./routes/hooks").livenessReap({ ignoreIdleGate: true, provider: "codex" });',
        ),
        ("  // Sessions that ended", '  require("./lib/codex-ingest").startSync();\n\n  // Sessions that ended'),
    ),
}  # fmt: skip


@cache
def miniature() -> Upstream:
    """The upstream. Its `ref` is `builtin`, its version that of the newest of the line."""
    builtin = materialize("builtin")
    tree = dict(builtin.tree)
    for path, edits in _EDITS.items():
        text = tree[path].data.decode()
        for old, new in edits:
            if text.count(old) != 1:
                raise AssertionError(f"{path} of the builtin sidecar has {text.count(old)} times {old!r}, not once")
            text = text.replace(old, new)
        tree[path] = File(text.encode())
    package = {**json.loads(tree["package.json"].data), "version": VERSION}
    tree["package.json"] = File(json.dumps(package).encode())
    tree["server/lib/provider-filter.js"] = File(_PROVIDER_FILTER.encode())
    tree["server/lib/codex-ingest.js"] = File(_INGEST.read_bytes())
    tree["scripts/codex-hook-handler.js"] = File(b"// The one that upstream ships itself.\n", executable=True)
    return replace(builtin, version=VERSION, tree=tree)
