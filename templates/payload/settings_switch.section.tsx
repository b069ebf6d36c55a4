<CodexHooksSwitch />
