require("./lib/local-only").listenOn(server)
