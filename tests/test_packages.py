"""What `pip install` brings: the page is in it."""

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import httpx2
import pytest
from tests.support.server import Server

ROOT: Final = Path(__file__).resolve().parents[1]
INDEX: Final = "<!doctype html><title>The page of this test</title>"
SOURCES: Final = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "src")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources alone, as git has them."""
    place = tmp_path_factory.mktemp("checkout")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place / name)
    return place


@pytest.fixture(scope="module")
def with_page(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a built page."""
    place = tmp_path_factory.mktemp("with-page") / "checkout"
    shutil.copytree(checkout, place)
    built = place / "web" / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text(INDEX)
    (built / "assets" / "index-4f5a.js").write_text("1")
    # Built files are no sources: git does not have them, and hatchling leaves out what git ignores.
    (place / ".gitignore").write_text("/web/dist/\n")
    return place


def build(target: str, checkout: Path, place: Path) -> "subprocess.CompletedProcess[str]":
    """Build a package as `pip wheel` and `python -m build` do."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(place)]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def built(target: str, checkout: Path, place: Path) -> Path:
    """Build a package, and find it."""
    result = build(target, checkout, place)
    assert result.returncode == 0, result.stderr
    [package] = place.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return package


@pytest.fixture(scope="module")
def wheel(with_page: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a checkout with a built page."""
    return built("wheel", with_page, tmp_path_factory.mktemp("wheel"))


def test_a_wheel_has_the_page(wheel: Path) -> None:
    with ZipFile(wheel) as package:
        assert package.read("gator/web_dist/index.html").decode() == INDEX
        assert "gator/web_dist/assets/index-4f5a.js" in package.namelist()


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_no_package_is_made_without_the_page(target: str, checkout: Path, tmp_path: Path) -> None:
    result = build(target, checkout, tmp_path)
    assert result.returncode != 0
    assert "run `make web` first" in result.stderr
    assert [*tmp_path.iterdir()] == []


def test_a_wheel_made_from_a_source_distribution_has_the_page_too(with_page: Path, tmp_path: Path) -> None:
    with tarfile.open(built("sdist", with_page, tmp_path / "sdist")) as package:
        package.extractall(tmp_path, filter="data")
    [unpacked] = tmp_path.glob("gator_chat-*")
    with ZipFile(built("wheel", unpacked, tmp_path / "wheel")) as package:
        assert package.read("gator/web_dist/index.html").decode() == INDEX


def test_an_installed_wheel_serves_the_page(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "venv"
    venv.create(place)
    python = place / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel],
        check=True,
    )
    # What it depends on is borrowed; a path in a .pth file comes after the environment's own packages.
    [packages] = place.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    with Server(tmp_path, command=(place / "bin" / "gator", "serve")) as server:
        response = httpx2.get(server.url, trust_env=False)
    assert (response.status_code, response.text) == (200, INDEX)
