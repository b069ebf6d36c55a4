"""Find a Node, and install npm packages for it."""
