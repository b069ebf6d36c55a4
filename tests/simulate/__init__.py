"""Runs the simulator's scenarios on real sidecars: `python -m tests.simulate`."""
