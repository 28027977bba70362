"""The sidecar of the embedded model: `python -m gator.personas.embedded_server`.

It reads one `Order` from its standard input, answers with one `Listening` or `CannotServe`
on its standard output, and lives until its standard input ends: the kernel closes that
pipe whatever way the parent dies.

The model runs in a process of its own because a fault of its native code ends the process.
"""

import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any, Final

import msgspec
from msgspec import Struct

BATCH_TOKENS: Final = 8
"""Tokens of a prompt read at once. A reply is given up between two batches only, and 8 are a tenth
of a second on a slow core, which reads hardly faster in batches of 256 (SmolLM2: 77 and 84 a second)."""

SPARE_THREADS: Final = 4
"""For requests beside the replies, such as how busy the slots are."""

CACHE_MIB: Final = 64
"""Memory for beginnings of prompts that were read before."""

IDLE_S: Final = 30
"""Before a client that stopped reading or writing is hung up on."""


class Order(Struct, frozen=True, kw_only=True):
    """What is to be served.

    Attributes:
        context_tokens: Longest prompt and reply together, of one slot.
        threads: Cores that it may keep busy.
        niceness: How far it stands back for others, 0 to 19.
    """

    model_path: str
    api_key: str
    slots: int
    context_tokens: int
    threads: int
    niceness: int


class Listening(Struct, frozen=True, tag=True):
    """The model is loaded; an OpenAI-compatible API listens on loopback."""

    url: str


class CannotServe(Struct, frozen=True, tag=True):
    """There will be no API."""

    why: str


def main() -> None:
    """Serve what standard input orders, until it ends."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    _stand_back(order.niceness)
    parent = Thread(target=_end_with_the_parent, daemon=True)
    parent.start()
    # llama.cpp prints what it likes: the pipe to the parent is for one line of ours.
    answers = os.dup(1)
    os.dup2(2, 1)
    server, answer = _serve(order)
    os.write(answers, msgspec.json.encode(answer) + b"\n")
    if server is not None:
        parent.join()


def _stand_back(niceness: int) -> None:
    os.nice(niceness)
    # Linux may weigh whole sessions against each other (sched(7), autogroups), and this is one.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness))


def _serve(order: Order) -> tuple[Any, Listening | CannotServe]:
    try:
        # By name, because it is there only where somebody chose the extra `embedded`.
        llama: Any = import_module("xllamacpp")
    except ImportError:
        return None, CannotServe("xllamacpp is not installed; run `gator models install`")
    try:
        server = llama.Server(_params(llama, order))
    except RuntimeError:
        return None, CannotServe("the file is no model that llama.cpp can load")
    return server, Listening(server.listening_address)


def _params(llama: Any, order: Order) -> Any:
    params = llama.CommonParams()
    params.model.path = order.model_path
    # What it calls itself towards those who chat: a name, and not a path of this machine.
    params.model_alias = {Path(order.model_path).stem}
    params.api_keys = [order.api_key]
    params.n_parallel = order.slots
    # It is shared out among the slots.
    params.n_ctx = order.context_tokens * order.slots
    params.n_batch = params.n_ubatch = max(BATCH_TOKENS, order.slots)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = order.threads
    params.n_threads_http = order.slots + SPARE_THREADS
    params.cache_ram_mib = CACHE_MIB
    params.timeout_read = params.timeout_write = IDLE_S
    params.ui = False
    # Silent: its log could hold what people say.
    params.verbosity = -1
    return params


def _end_with_the_parent() -> None:
    sys.stdin.buffer.read()
    # Not sys.exit: native threads are at work, and nothing is to be saved.
    os._exit(0)


if __name__ == "__main__":
    main()
