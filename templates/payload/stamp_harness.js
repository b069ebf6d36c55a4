require("../lib/harness").stampSession(session, ingress.harness);
