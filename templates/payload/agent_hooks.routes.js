app.use(require("./routes/agent-hooks"));
