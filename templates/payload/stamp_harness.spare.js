if (require("../lib/harness").isHarnessSession(sess.id)) continue;
