"""Sockets: who may connect, what a connection may say, and how frames come and go."""
