require("../lib/session-capture").tellCapture(db, rows);
