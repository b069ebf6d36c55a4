require("./lib/codex-hooks-optin").reconcileAtBoot();
