"""A real Node, and what npm installs for it."""
