app.use(require("./routes/codex-hooks"));
