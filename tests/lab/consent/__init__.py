"""The consent page in a real browser: its states, its speed, its pictures, and the requests that it must not serve."""
