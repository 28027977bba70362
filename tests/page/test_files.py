from pathlib import Path

import pytest

from gator.page.files import is_page, read_page


def build(directory: Path, **files: bytes | str) -> Path:
    """Write files by their names, in which `__` is a slash and `_` a dot."""
    for name, content in files.items():
        path = directory / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return directory


def test_every_file_has_the_address_of_its_place(tmp_path: Path) -> None:
    built = build(tmp_path, index_html="<p>", assets__index_js="1", emoji__en__data_json="[]")
    assert set(read_page(built)) == {"/index.html", "/assets/index.js", "/emoji/en/data.json"}


def test_a_directory_without_an_index_is_no_page(tmp_path: Path) -> None:
    assert not is_page(tmp_path)
    assert is_page(build(tmp_path, index_html="<p>"))


def test_what_the_build_has_compressed_belongs_to_its_file(tmp_path: Path) -> None:
    built = build(tmp_path, assets__a_js="plain", assets__a_js_br=b"brotli", assets__a_js_gz=b"gzip")
    assert set(read_page(built)) == {"/assets/a.js"}
    assert read_page(built)["/assets/a.js"].compressed == {"br": b"brotli", "gzip": b"gzip"}


def test_a_compressed_file_without_its_plain_one_is_a_file_of_its_own(tmp_path: Path) -> None:
    assert set(read_page(build(tmp_path, archive_gz=b"gzip"))) == {"/archive.gz"}


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.html", "text/html; charset=utf-8"),
        ("a.svg", "image/svg+xml"),
        ("a.webmanifest", "application/manifest+json"),
        ("a.woff2", "font/woff2"),
        ("a.nobody-knows", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
def test_the_type_of_a_file_is_known_by_its_name(tmp_path: Path, name: str, media_type: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert read_page(tmp_path)[f"/{name}"].media_type == media_type


def test_what_has_a_hash_in_its_name_is_kept_for_ever_and_the_rest_is_asked_for_again(tmp_path: Path) -> None:
    page = read_page(build(tmp_path, index_html="<p>", favicon_svg="<svg/>", assets__a_js="1"))
    kept = {address: file.cache_control for address, file in page.items()}
    assert kept == {
        "/index.html": "no-cache",
        "/favicon.svg": "no-cache",
        "/assets/a.js": "public, max-age=31536000, immutable",
    }


def test_other_content_has_another_digest(tmp_path: Path) -> None:
    first = read_page(build(tmp_path, index_html="one"))["/index.html"].digest
    assert read_page(build(tmp_path, index_html="one"))["/index.html"].digest == first
    assert read_page(build(tmp_path, index_html="two"))["/index.html"].digest != first
