"""The connections of this process, and how events reach them."""
