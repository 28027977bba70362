"""The language of the server: commands, events and the two tables of failure."""
