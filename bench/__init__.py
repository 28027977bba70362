"""Measurements of the server beside others; `make bench`, see README.md."""
