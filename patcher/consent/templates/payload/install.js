if (require.main !== module) return require("../server/lib/agent-hooks/claude").follow();
return require("../server/lib/agent-hooks/claude").chooseAndSay({
  file: SETTINGS_PATH,
  entries: () => HOOK_TYPES.map(event => [event, makeHookEntry(event)]),
});
