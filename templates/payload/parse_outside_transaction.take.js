const ingress = require("../lib/harness").ingressOf(data);
