"""Killing and restarting the server, in the operator's own way."""

import asyncio
import os
import signal
from collections.abc import Iterable
from tempfile import TemporaryFile
from typing import Final

from gator.cli.verify.figures import Figures
from gator.cli.verify.options import CannotRun

LONGEST_S: Final = 60.0
"""How long the command may take."""

TAIL_BYTES: Final = 500
"""Of what a command that failed wrote, shown to the operator."""


async def restart_again_and_again(command: str, waits_s: Iterable[float], figures: Figures) -> None:
    """Wait and run the command, again and again, until cancelled; a run of it is finished first.

    Raises:
        CannotRun: The command fails, or takes too long.
    """
    for wait_s in waits_s:
        await asyncio.sleep(wait_s)
        figures.restarts += 1
        running = asyncio.create_task(_run(command))
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            # Half a restart would leave the operator without a server.
            await running
            raise


async def _run(command: str) -> None:
    # A file, because a pipe would stay open as long as the server that the command starts.
    with TemporaryFile() as output:
        process = await asyncio.create_subprocess_shell(
            command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            status = await asyncio.wait_for(process.wait(), LONGEST_S)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise CannotRun(f"The restart command took longer than {LONGEST_S:.0f} s.") from None
        if status == 0:
            return
        output.seek(max(0, output.tell() - TAIL_BYTES))
        said = output.read().decode(errors="replace").strip()
    raise CannotRun(f"The restart command exited with status {status}: {said or 'it said nothing'}")
