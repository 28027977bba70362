"""Proof of who somebody is: signed tokens, the keys they are checked with, the open mode."""
