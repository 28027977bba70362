"""What starts, loads, measures and compares servers."""
