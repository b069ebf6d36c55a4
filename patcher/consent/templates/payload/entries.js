module.exports.ownHooks = { file: SETTINGS_PATH, entries: () => HOOK_TYPES.map(event => [event, makeHookEntry(event)]) };
