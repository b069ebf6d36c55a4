"""What following rollout files costs, on the builtin patched sidecar's own modules, a real Node and a SQLite file."""
