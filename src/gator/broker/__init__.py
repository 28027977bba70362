"""Committed events on their way between processes."""
