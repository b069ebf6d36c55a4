"""Read upstream into memory: from a spec, or from a clone at many refs."""
