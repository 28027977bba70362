"""The command line, run in this process."""

import os
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from tempfile import TemporaryDirectory
from unittest import mock

from gator.cli import main


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit status."""

    code: int
    out: str
    err: str


def gator(*arguments: str, **environ: str) -> Said:
    """Run `gator` where there is no `.env`, with these settings in the environment and no others."""
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("GATOR_")}
    out, err, code = StringIO(), StringIO(), 0
    with (
        TemporaryDirectory() as elsewhere,
        chdir(elsewhere),
        mock.patch.dict(os.environ, clean | environ, clear=True),
        mock.patch.object(sys, "argv", ["gator", *arguments]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return Said(code, out.getvalue(), err.getvalue())
