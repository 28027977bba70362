"""The files of the built page, read once into memory: a request never names a file of the disk."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

INDEX: Final = "/index.html"

IMMUTABLE: Final = "/assets/"
"""Below this the name of a file holds a hash of what is in it."""

SUFFIXES: Final = {"br": ".br", "gzip": ".gz"}
"""Content codings, the best first, and the names of files that the build has compressed by them."""

TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""Named here, because what Python knows of types depends on the machine."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file as it is sent.

    Attributes:
        body: What is in it.
        compressed: The same by content coding, where the build made it.
        digest: Tells this content from any other.
    """

    media_type: str
    cache_control: str
    digest: str
    body: bytes
    compressed: Mapping[str, bytes] = field(default_factory=dict)


Files = Mapping[str, PageFile]
"""Files by their address, such as `/index.html`."""


def find_page() -> Path | None:
    """Find the built page that came along: in the checkout that this runs from, or in the package.

    Returns:
        None if it was never built.
    """
    package = Path(__file__).resolve().parents[1]
    checkout = package.parents[1]
    places = [checkout / "web" / "dist"] if (checkout / "pyproject.toml").is_file() else []
    return next((place for place in (*places, package / "web_dist") if is_page(place)), None)


def is_page(directory: Path) -> bool:
    """Tell whether a directory holds a built page."""
    return (directory / INDEX[1:]).is_file()


def read_page(directory: Path) -> Files:
    """Read all files of a built page."""
    return dict(_read(directory))


def _read(directory: Path) -> Iterator[tuple[str, PageFile]]:
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        if path.suffix in SUFFIXES.values() and path.with_suffix("").is_file():
            continue
        address = f"/{path.relative_to(directory).as_posix()}"
        body = path.read_bytes()
        compressed = {coding: path.with_name(path.name + suffix) for coding, suffix in SUFFIXES.items()}
        yield (
            address,
            PageFile(
                media_type=TYPES.get(path.suffix, "application/octet-stream"),
                cache_control=(
                    "public, max-age=31536000, immutable" if address.startswith(IMMUTABLE) else "no-cache"
                ),
                digest=hashlib.sha256(body).hexdigest()[:32],
                body=body,
                compressed={coding: file.read_bytes() for coding, file in compressed.items() if file.is_file()},
            ),
        )
