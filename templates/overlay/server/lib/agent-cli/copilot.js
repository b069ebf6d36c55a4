"use strict";
module.exports = { provider: "copilot", folder: (env, home) => home, files: [], begin: () => ({ session: {}, tokens: {}, own: {} }), take: () => [] };
