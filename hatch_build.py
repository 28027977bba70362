"""Takes the built page along into every package (hatchling runs this)."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NO_PAGE = "The page is not built, and no package goes without it: run `make web` first."


class TakePage(BuildHookInterface):
    """Puts `web/dist` where the server looks for it; in place (`pip install -e`) it is found where it is."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See `BuildHookInterface`."""
        if version == "editable":
            return
        page = Path(self.root, "web", "dist")
        if not (page / "index.html").is_file():
            raise FileNotFoundError(NO_PAGE)
        # A wheel that is made from a source distribution finds the page there, where it is in a checkout.
        build_data["force_include"][str(page)] = "gator/web_dist" if self.target_name == "wheel" else "web/dist"
