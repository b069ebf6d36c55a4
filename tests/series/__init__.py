"""The door: what is loaded, what is refused, and what is made of it."""
