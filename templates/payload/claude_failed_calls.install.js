for (const hookType of require("../server/lib/claude-failures").installable(path.dirname(SETTINGS_PATH))) {
  HOOKS_WITH_MATCHER.push(hookType);
  HOOK_TYPES.push(hookType);
}
