require("../lib/session-capture").tellCapture(db, [session]);
