"""What each verb does, without printing: options in, an `Outcome` out. One module for each verb, or for a few akin."""
