require("./lib/local-only").guard, cors(require("./lib/local-only").corsOptions())
