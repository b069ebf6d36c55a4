"""What a build costs, beside what others cost for the same in the same run. `python3 .dev lab bench`."""
