"""The series `consent`, ours and optional: upstream's hooks of Claude Code wait for the user's consent."""
