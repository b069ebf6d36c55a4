"""The series `consent`, ours and optional: upstream's hooks of Claude Code only after the user's consent."""
