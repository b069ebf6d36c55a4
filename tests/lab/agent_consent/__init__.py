"""Real agents with the switch off and on: `python3 .dev lab agent_consent [AGENT ...] [--upstream SPEC]`."""
