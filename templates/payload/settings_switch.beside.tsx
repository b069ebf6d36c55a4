<CodexHooksSwitch beside />
