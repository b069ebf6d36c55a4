for (const { provider } of require("./agent-cli/readers").readers) VALID_PROVIDERS.add(provider);
