"""The load generator: compiled when it is needed, run, its line of JSON read."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.harness.places import BENCH, BUILD
from bench.harness.server import Dialect

Figures = dict[str, Any]
"""What one run of the generator reported; see the end of `load.c`."""

OPENS_WITHIN_S: Final = 120.0


class NotMeasured(Exception):
    """A run gave no figures; the text says why."""


def compiled(name: str) -> Path:
    """Compile one of the C programs, if it is newer than what was compiled."""
    source, program = BENCH / f"{name}.c", BUILD / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        BUILD.mkdir(exist_ok=True)
        subprocess.run(["cc", "-O2", "-o", program, source, "-lm"], check=True)
    return program


def put_under_load(
    dialect: Dialect, options: Sequence[str], *, port: int, pid: int, home: Path, joins: bool, seconds: float
) -> Figures:
    """Run the generator against a server.

    Args:
        options: What the scenario asks for.
        pid: The server's process.
        home: Where scripts may be written.
        joins: False if opening a connection is all that is wanted.
        seconds: How long it measures; well beyond that it is ended.

    Raises:
        NotMeasured: It failed or took too long.
    """
    script = home / "script"
    script.write_text("\n".join(dialect.greeting + (dialect.joining if joins else ())) + "\n")
    command = [
        str(compiled("load")), "--port", str(port), "--pid", str(pid), "--path", dialect.path,
        "--script", str(script), "--message", dialect.message, *dialect.options, *options,
    ]  # fmt: skip
    if "--return" in options:
        (home / "return").write_text("\n".join(dialect.returning) + "\n")
        command += dialect.returning_options
    try:
        done = subprocess.run(
            command, cwd=home, capture_output=True, text=True, timeout=seconds + OPENS_WITHIN_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"no end after {seconds + OPENS_WITHIN_S:.0f} s") from None
    if not done.stdout.startswith("{"):
        raise NotMeasured(done.stderr.strip() or f"exit status {done.returncode}")
    figures: Figures = json.loads(done.stdout)
    if complaints := done.stderr.strip():
        figures["complaints"] = complaints
    return figures
