"""A command's result as JSON, as text, for GitHub, as a page and as Markdown."""
