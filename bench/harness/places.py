"""Where things are."""

from pathlib import Path
from typing import Final

BENCH: Final = Path(__file__).resolve().parents[1]
ROOT: Final = BENCH.parent
APPS: Final = BENCH / "peers" / "apps"
"""What the peers run: small chat relays, each in its own language."""

RESULTS: Final = BENCH / "results"
BUILD: Final = BENCH / "build"
"""Programs that were compiled, and the data of the servers; nothing of it is kept in git."""

PEER_BIN: Final = BENCH / ".venv" / "bin"
"""Programs of the Python peers; `make bench-setup` makes them."""

NODE_MODULES: Final = BENCH / "node_modules"
