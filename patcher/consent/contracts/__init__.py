"""The contracts of the series."""
