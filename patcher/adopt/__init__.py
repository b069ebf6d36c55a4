"""From an edited tree of upstream to a series that makes the same changes."""
