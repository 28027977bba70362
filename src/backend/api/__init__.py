"""See `gator.app`."""
