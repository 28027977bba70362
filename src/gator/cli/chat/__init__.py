"""`gator chat`: a conversation in the terminal, a line a message.

`state.py` decides everything with values in and values out: what to show, what to send,
what to send again and from which `seq` on. `client.py` is the shell that moves bytes
between it, the network and `terminal.py`.
"""

from gator.cli.chat.address import own_url
from gator.cli.chat.client import run

__all__ = ["own_url", "run"]
