"""From what somebody has changed in upstream already to a series that makes the same changes."""
