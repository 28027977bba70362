"""What the figures were taken on."""

import os
import platform
import re
import subprocess
from pathlib import Path

from bench.harness.places import ROOT


def describe_machine() -> dict[str, str]:
    """Describe this machine, in words for the reader of the results."""
    model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory[1]) / 1024 / 1024:.0f} GiB" if memory else "",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": "{:.2f} {:.2f} {:.2f}".format(*os.getloadavg()),
    }


def commit() -> str:
    """Name the commit that is measured; with `+` if there are changes on top of it."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = "+" if git("status", "--porcelain", "--", "src", "requirements", "bench", ":!bench/results") else ""
    return (git("rev-parse", "--short", "HEAD") or "unknown") + changed
