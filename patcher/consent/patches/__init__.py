"""The patches of the series."""
