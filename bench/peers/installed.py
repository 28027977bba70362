"""Which packages are there, and in which version."""

import json
import re
import subprocess

from bench.harness.places import NODE_MODULES, PEER_BIN

SETUP = "not installed: make bench-setup"


def python_package(name: str) -> str | None:
    """Find the version of a Python package of the peers; None if it is not installed."""
    pattern = f"{name.replace('-', '_')}-*.dist-info"
    for found in PEER_BIN.parent.glob(f"lib/python*/site-packages/{pattern}"):
        return found.name.removesuffix(".dist-info").rpartition("-")[2]
    return None


def node_package(name: str) -> str | None:
    """Find the version of a Node package of the peers; None if it is not installed."""
    description = NODE_MODULES / name / "package.json"
    return str(json.loads(description.read_text())["version"]) if description.exists() else None


def debian_package(name: str) -> str | None:
    """Find the version of a package of the system; None if it is not installed."""
    try:
        command = ["dpkg-query", "--show", "--showformat=${Status} ${Version}", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    found = re.match(r"install ok installed (\S+)", done.stdout)
    return found[1] if found else None
