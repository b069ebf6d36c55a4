require("../lib/harness").openIngress(data, file => transcriptCache.extract(file));
