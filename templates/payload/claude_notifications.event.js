if (require("../lib/claude-notifications").isNotification(data.prompt)) {
  eventType = "TaskNotification";
  summary = require("../lib/claude-notifications").summaryOf(data.prompt);
}
