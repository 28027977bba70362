"""What must hold of the checkout itself: its locks, its addresses, its first page."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCKS = {"runtime.lock": ("build",), "dev.lock": ("build", "dev")}

# Put together from parts, so that this file passes its own test.
_HOSTS = (
    ("pypi", "org"),
    ("pypi", "python", "org"),
    ("pythonhosted", "org"),
    ("npmjs", "org"),
    ("npmjs", "com"),
    ("yarnpkg", "com"),
    ("npm", "pkg", "github", "com"),
)
REGISTRY_ADDRESS = re.compile(
    "|".join(
        (
            *(r"\b" + r"\.".join(host) + r"\b" for host in _HOSTS),
            r"://[^\s\"'<>]+/" + r"simple\b",  # a Python index, wherever it is
            r"://[^\s\"'<>]+\." + r"(?:whl|tgz)\b",  # a file on one
            r"--(?:extra-)?" + r"index-url[ =]\S+:",
        )
    )
)


def committed() -> list[Path]:
    """List the files that git has or would take: tracked, or new and not ignored."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def declared(groups: tuple[str, ...]) -> Iterator[Requirement]:
    """Yield what pyproject.toml asks for: the dependencies and the given groups."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = list(project["project"]["dependencies"])
    for group in groups:
        lines += [line for line in project["dependency-groups"][group] if isinstance(line, str)]
    yield from map(Requirement, lines)


def pins(lock: str) -> dict[str, str]:
    """Map each name in a lock to its version."""
    text = (ROOT / "requirements" / lock).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def unmet(requirements: Iterator[Requirement], locked: dict[str, str]) -> list[str]:
    """List the requirements that the pins lack or contradict."""
    missing = []
    for wanted in requirements:
        version = locked.get(canonicalize_name(wanted.name))
        if version is None or not wanted.specifier.contains(version, prereleases=True):
            missing.append(str(wanted))
    return missing


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_what_pyproject_asks_for(lock: str) -> None:
    assert unmet(declared(LOCKS[lock]), pins(lock)) == [], "run `make lock`"


def test_a_missing_and_an_outgrown_pin_are_both_noticed() -> None:
    wanted = [Requirement("Some.Thing>=2"), Requirement("other"), Requirement("right>=1,<2")]
    assert unmet(iter(wanted), {"some-thing": "1.9", "right": "1.4"}) == ["Some.Thing>=2", "other"]


def test_the_dev_lock_only_adds_to_the_runtime_lock() -> None:
    assert pins("runtime.lock").items() <= pins("dev.lock").items(), "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_of_a_lock_has_a_hash_and_no_line_has_an_address(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text


def test_no_committed_file_names_a_package_registry() -> None:
    found = []
    for path in committed():
        for number, line in enumerate(path.read_text(errors="ignore").splitlines(), start=1):
            if REGISTRY_ADDRESS.search(line) is not None:
                found.append(f"{path.relative_to(ROOT)}:{number}")
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "see https://files.{}/packages/a/b.tar.gz".format("pythonhosted." + "org"),
        '"resolved": "https://mirror.example/npm/react/-/react-19.3.1.{}"'.format("tgz"),
        "--index{}https://mirror.example/python".format("-url "),
        "index = 'https://mirror.example/root/{}/'".format("simple"),
    ],
)
def test_a_registry_address_is_recognised(line: str) -> None:
    assert REGISTRY_ADDRESS.search(line) is not None


def addresses_in(lock: str) -> list[str]:
    """List the packages of an npm lock that say where they were fetched. Those of the checkout may: `../js`."""
    packages = json.loads(lock)["packages"]
    return [name for name, package in packages.items() if "://" in package.get("resolved", "")]


def test_no_npm_lock_says_where_its_packages_were_fetched() -> None:
    locks = [path for path in committed() if path.name == "package-lock.json"]
    assert locks
    for lock in locks:
        assert addresses_in(lock.read_text()) == [], lock
        # Else the next `npm install` writes them down again.
        assert "omit-lockfile-registry-resolved=true" in lock.with_name(".npmrc").read_text().splitlines(), lock


def test_an_address_in_an_npm_lock_is_noticed() -> None:
    packages = {
        "": {"name": "page"},
        "node_modules/ours": {"resolved": "../clients/js", "link": True},
        "node_modules/theirs": {"resolved": "https://mirror.example/theirs"},
    }
    assert addresses_in(json.dumps({"packages": packages})) == ["node_modules/theirs"]


def test_no_lock_format_that_records_addresses_is_committed() -> None:
    names = {path.name for path in committed()}
    assert names.isdisjoint({"uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "Pipfile.lock"})


def test_every_make_target_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    assert set(re.findall(r"^([a-z]+):.* ## \S", makefile, re.MULTILINE)) == set(phony[1].split())


@pytest.mark.parametrize("command", ["make run", "make test"])
def test_the_readme_says_how_to_start_and_how_to_test(command: str) -> None:
    assert command in (ROOT / "README.md").read_text()
