"""What `adopt` makes of real changes of upstream, and how long what it makes stays in place."""
