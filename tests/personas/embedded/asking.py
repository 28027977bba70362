"""Asking an embedded model, and looking into the process that runs it."""

import os
import select
from dataclasses import dataclass
from pathlib import Path

import httpx2

from gator.personas.providers.embedded import Embedded, Sidecar
from gator.ports import Finished, Prompt, Said, Turn


@dataclass(frozen=True)
class Answer:
    """A reply that came to its end."""

    text: str
    end: Finished


def prompt(text: str = "Hello!", max_tokens: int = 40) -> Prompt:
    """Make a prompt whose reply is the same each time."""
    return Prompt(turns=(Turn("user", text),), max_tokens=max_tokens, temperature=0)


async def ask(provider: Embedded, prompt: Prompt) -> Answer:
    """Have a reply said whole."""
    pieces: list[str] = []
    async with provider.reply(prompt) as said:
        async for piece in said:
            if isinstance(piece, Finished):
                return Answer("".join(pieces), piece)
            pieces.append(piece.text)
    raise AssertionError("it ended without saying so")


async def first_words(provider: Embedded, prompt: Prompt) -> None:
    """Hear the beginning of a reply and leave."""
    async with provider.reply(prompt) as said:
        assert isinstance(await anext(said), Said)


def sidecar(provider: Embedded) -> Sidecar:
    """Tell which sidecar runs."""
    assert provider.sidecar is not None
    return provider.sidecar


async def get(sidecar: Sidecar, path: str, key: str | None = None) -> httpx2.Response:
    """Ask a sidecar directly, by default with its key."""
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as client:
        bearer = f"Bearer {sidecar.api_key if key is None else key}"
        return await client.get(sidecar.url + path, headers={"Authorization": bearer})


async def busy_slots(provider: Embedded) -> int:
    """Count the slots that read a prompt or write a reply."""
    slots = (await get(sidecar(provider), "/slots")).raise_for_status().json()
    assert len(slots) == provider.slots
    return sum(slot["is_processing"] for slot in slots)


def of_process(process: int, what: str) -> bytes | None:
    """Read what the kernel tells of a process; None if it does not know such a thing."""
    try:
        return Path("/proc", str(process), what).read_bytes()
    except FileNotFoundError:
        return None


def ends(process: int, within_s: float) -> bool:
    """Wait for the end of a process, anybody's."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], within_s)[0])
    finally:
        os.close(handle)
