import json
import shutil
from pathlib import Path

import msgspec
import pytest

from gator.cli.reference import fill, write_reference
from gator.protocol.commands import Command
from gator.protocol.events import Event
from gator.protocol.tables import tables_markdown

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ["docs/reference/protocol.schema.json", "docs/reference/asyncapi.json", "docs/protocol.md"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy the documents, so that they can be spoilt."""
    for name in GENERATED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_documents_are_as_the_code_is() -> None:
    assert write_reference(ROOT, check=True) == [], "run `gator reference` and commit what it wrote"


@pytest.mark.parametrize("block", tables_markdown())
def test_the_protocol_page_shows_every_command_event_and_code(block: str) -> None:
    assert f"<!-- generated: {block} -->\n" in (ROOT / "docs/protocol.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GENERATED)
def test_a_stale_document_is_named_and_left_alone_when_checking(checkout: Path, name: str) -> None:
    spoilt = (checkout / name).read_text(encoding="utf-8").replace("A sign of life", "A wave")
    (checkout / name).write_text(spoilt, encoding="utf-8")
    assert write_reference(checkout, check=True) == [name]
    assert (checkout / name).read_text(encoding="utf-8") == spoilt


def test_stale_and_missing_documents_are_written(checkout: Path) -> None:
    (checkout / GENERATED[0]).write_text("{}", encoding="utf-8")
    (checkout / GENERATED[1]).unlink()
    assert write_reference(checkout, check=False) == GENERATED[:2]
    assert write_reference(checkout, check=True) == []
    assert (checkout / GENERATED[1]).read_bytes() == (ROOT / GENERATED[1]).read_bytes()


@pytest.mark.parametrize(
    ("block", "row"),
    [
        ("closes", "| 4001 | Token expired | yes |"),
        ("settings", "| `GATOR_PORT` | `8000` |  | Port to listen on"),
        ("settings", "| `GATOR_JWT_SECRET` |  |  | Secret of"),
        ("metrics", "| `gator_connections` | gauge | Open WebSocket connections. |"),
        ("metrics", "| `gator_messages_committed_total` | counter | Messages acknowledged. |"),
    ],
)
def test_the_page_for_operators_is_filled_where_it_has_markers(checkout: Path, block: str, row: str) -> None:
    page = checkout / "docs/operations.md"
    page.write_text(f"# Running\n\n<!-- generated: {block} -->\n<!-- end generated -->\n", encoding="utf-8")
    assert write_reference(checkout, check=False) == ["docs/operations.md"]
    assert row in page.read_text(encoding="utf-8")


def test_filling_replaces_what_is_between_the_markers_and_nothing_else() -> None:
    text = "before\n<!-- generated: a -->\nold\n\nold\n<!-- end generated -->\nafter\n"
    filled = "before\n<!-- generated: a -->\n\nnew\n\n<!-- end generated -->\nafter\n"
    assert fill(text, {"a": "new"}) == filled
    assert fill(filled, {"a": "new"}) == filled


def test_a_marker_that_names_no_block_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no block 'b'; there are a"):
        fill("<!-- generated: b -->\n<!-- end generated -->", {"a": "new"})


@pytest.mark.parametrize(
    "text",
    [
        "<!-- generated: a -->\n",
        "<!-- generated: a -->\n<!-- generated: a -->\n<!-- end generated -->\n",
        "text <!-- generated: a --> text\n<!-- end generated -->\n",
    ],
)
def test_a_marker_without_an_end_is_a_mistake(text: str) -> None:
    with pytest.raises(ValueError, match="whole"):
        fill(text, {"a": "new"})


def examples() -> list[tuple[str, dict[str, object]]]:
    document = json.loads((ROOT / "docs/reference/asyncapi.json").read_text(encoding="utf-8"))
    return [
        (name, example["payload"])
        for name, message in document["components"]["messages"].items()
        for example in message["examples"]
    ]


@pytest.mark.parametrize(("name", "payload"), examples())
def test_every_example_in_the_document_is_a_frame_of_its_struct(name: str, payload: dict[str, object]) -> None:
    def read(union: object) -> str | None:
        try:
            return type(msgspec.convert(payload, union)).__name__
        except msgspec.ValidationError:
            return None

    assert name in {read(Command), read(Event)}
