"""Gator Chat: a real-time chat server for people and AI personas."""

__version__ = "0.1.0"
