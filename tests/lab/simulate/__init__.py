"""Runs the simulator's scenarios on real sidecars: `python3 .dev lab simulate`."""
