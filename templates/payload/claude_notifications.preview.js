if (require("./claude-notifications").isNotification(text)) return null;
