"""`gator verify`: does a deployment keep the promises of `docs/protocol.md`?

A conformance and chaos client. `ledger.py`, `place.py` and `plan.py` decide and judge
with values in and values out; `line.py`, `api.py` and `client.py` move bytes; `run.py` is
the order of events.
"""

import asyncio
import secrets
import signal
import sys

from gator.cli.verify.options import CannotRun, Options
from gator.cli.verify.report import as_json, as_text
from gator.cli.verify.run import Outcome, verify
from gator.cli.verify.tokens import minted, tokens_of

__all__ = ["CannotRun", "Options", "minted", "new_name", "new_seed", "run", "tokens_of"]


def new_name() -> str:
    """Make a name that no other run has: ids of users, conversations and messages begin with it."""
    return f"verify-{secrets.token_hex(4)}"


def new_seed() -> int:
    """Draw a seed for a run."""
    return secrets.randbelow(10**9)


def run(options: Options, *, json: bool) -> int:
    """Verify a deployment and print the report. Returns the exit status."""
    outcome = asyncio.run(_run(options))
    never_began = outcome.clients == 0 and outcome.trouble is not None
    if never_began and not json:
        print(f"gator: {outcome.trouble}", file=sys.stderr)
    else:
        print(as_json(outcome) if json else as_text(outcome))
    return outcome.status


async def _run(options: Options) -> Outcome:
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        # The first time it judges what was done; the second time it does not wait.
        loop.remove_signal_handler(signal.SIGINT)
        interrupted.set()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    return await verify(options, interrupted)
