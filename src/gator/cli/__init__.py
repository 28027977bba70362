"""The commands of `gator`."""

from gator.cli.commands import main

__all__ = ["main"]
