"""Every stranger at every address of a sidecar: nobody is answered. See `__main__`."""
