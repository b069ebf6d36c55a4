// Upstream has a road of its own for Codex: what our handler sends goes there, and makes no Claude session.
if (hook_type && require("../lib/harness").harnessOf(data) === "codex") {
  req.url = "/codex";
  return router.handle(req, res, () => res.status(404).end());
}
