"""Cards of all versions and forms, round trips, and files that are refused."""

import base64
import io
import json
import struct
import zipfile
import zlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.histories import law
from tests.personas.people import ANN, END, HEADER, NIA, NOW, PIXELS, chunk, persona, png

from gator.domain.persona import MAX_CARD_BYTES, Lore, LoreEntry
from gator.personas.cards import MAX_FILE_BYTES, Card, picture_of, read_card, write_card_json, write_card_png
from gator.protocol.errors import Refusal

V1 = {
    "name": "Nia",
    "description": "A gardener.",
    "personality": "calm",
    "scenario": "a garden",
    "first_mes": "Hello {{user}}.",
    "mes_example": "<START>\n{{char}}: Roses need time.",
}
V2 = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {
        **V1,
        "creator_notes": "Be kind.",
        "system_prompt": "{{original}} Stay calm.",
        "post_history_instructions": "Short answers.",
        "alternate_greetings": ["Hi.", "Oh."],
        "tags": ["garden"],
        "creator": "somebody",
        "character_version": "7",
        "extensions": {"depth_prompt": {"depth": 4}},
        "character_book": {
            "name": "Plants",
            "scan_depth": 3,
            "token_budget": 200,
            "recursive_scanning": True,
            "extensions": {},
            "entries": [
                {
                    "id": 1,
                    "keys": ["rose"],
                    "content": "Roses have thorns.",
                    "extensions": {"position": 4},
                    "enabled": True,
                    "insertion_order": 5,
                    "position": "before_char",
                    "secondary_keys": ["red"],
                    "selective": True,
                    "priority": 3,
                }
            ],
        },
    },
}
V3 = {
    "spec": "chara_card_v3",
    "spec_version": "3.0",
    "data": {
        **V2["data"],  # type: ignore[dict-item]
        "nickname": "Ni",
        "assets": [{"type": "icon", "uri": "ccdefault:", "name": "main", "ext": "png"}],
        "group_only_greetings": ["Hello all."],
        "creation_date": 1736937000123,
    },
}


def as_json(card: object) -> bytes:
    return json.dumps(card).encode()


def text_chunk(keyword: str, card: object, kind: bytes = b"tEXt") -> bytes:
    return chunk(kind, keyword.encode() + b"\0" + base64.b64encode(as_json(card)))


def charx(*, compression: int = zipfile.ZIP_DEFLATED, **members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def round_trip(card: Card, spec: Any) -> Any:
    return json.loads(write_card_json(card.persona(NIA, ANN, NOW), spec))


def refused(data: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        read_card(data)
    assert caught.value.code == "bad_card"
    return caught.value.detail


def with_data(**members: object) -> bytes:
    return as_json({**V2, "data": {**V1, **members}})


# What is read


def test_a_v1_card_is_read() -> None:
    card = read_card(as_json(V1))
    assert (card.name, card.greeting, card.example_dialogue) == ("Nia", "Hello {{user}}.", V1["mes_example"])
    assert (card.lore, card.card, card.picture) == (Lore(), {}, None)


def test_a_v2_card_is_read_with_its_lore() -> None:
    card = read_card(as_json(V2))
    assert (card.post_history, card.alternate_greetings, card.tags) == (
        "Short answers.",
        ("Hi.", "Oh."),
        ("garden",),
    )
    assert card.card == {
        "data": {"creator": "somebody", "character_version": "7", "extensions": {"depth_prompt": {"depth": 4}}}
    }
    assert card.lore == Lore(
        scan_depth=3,
        token_budget=200,
        recursive=True,
        rest={"name": "Plants"},
        entries=(
            LoreEntry(
                keys=("rose",),
                content="Roses have thorns.",
                insertion_order=5,
                selective=True,
                secondary_keys=("red",),
                priority=3,
                extensions={"id": 1, "extensions": {"position": 4}, "position": "before_char"},
            ),
        ),
    )


def test_a_persona_made_of_a_card_has_all_that_it_says() -> None:
    made = read_card(as_json(V3)).persona(NIA, ANN, NOW)
    assert (made.id, made.owner_id, made.created_at, made.updated_at) == (NIA, ANN, NOW, NOW)
    assert (made.name, made.system_prompt) == ("Nia", "{{original}} Stay calm.")
    assert made.card["data"]["nickname"] == "Ni"


def test_null_means_that_a_card_does_not_have_it() -> None:
    card = read_card(with_data(tags=None, character_book=None, creator_notes=None))
    assert (card.tags, card.lore, card.creator_notes) == ((), Lore(), "")


def test_numbers_of_a_book_need_not_be_whole() -> None:
    book = {"token_budget": 99.6, "entries": [{"keys": [], "content": "x", "insertion_order": 3.0}]}
    lore = read_card(with_data(character_book=book)).lore
    assert (lore.token_budget, lore.entries[0].insertion_order) == (100, 3)


def test_scripts_and_control_tokens_are_text_and_stay() -> None:
    text = "<script>alert(1)</script><|im_start|>system"
    assert read_card(with_data(description=text)).description == text


def test_a_byte_order_mark_is_not_in_the_way() -> None:
    assert read_card(b"\xef\xbb\xbf" + as_json(V1)).name == "Nia"


# Pictures


def test_the_v3_card_of_a_picture_is_preferred() -> None:
    other = {**V3, "data": {**V1, "name": "Third"}}
    for texts in ([("chara", V2), ("ccv3", other)], [("ccv3", other), ("chara", V2)]):
        assert read_card(png(*(text_chunk(*text) for text in texts))).name == "Third"


def test_the_keyword_of_a_picture_is_read_in_any_case() -> None:
    assert read_card(png(text_chunk("Chara", V2))).name == "Nia"


def test_a_picture_is_handed_on_without_anything_else() -> None:
    noise = [chunk(kind, b"x\0yy") for kind in (b"tEXt", b"eXIf", b"iCCP", b"tIME", b"prVt")]
    card = read_card(png(text_chunk("chara", V2), *noise) + b"PK\x03\x04 behind the end")
    assert card.picture == png()
    assert picture_of(png(*noise)) == png()


def test_frames_of_an_animated_picture_are_kept() -> None:
    frames = (chunk(b"acTL", bytes(8)), chunk(b"fcTL", bytes(26)))
    assert read_card(png(*frames, text_chunk("chara", V2))).picture == png(*frames)


@pytest.mark.parametrize(
    "body",
    [
        b"chara\0\0" + zlib.compress(base64.b64encode(as_json(V2))),
        pytest.param(
            b"chara\0\1\0en\0chara\0" + zlib.compress(base64.b64encode(as_json(V2))), id="international, packed"
        ),
        pytest.param(b"chara\0\0\0\0\0" + base64.b64encode(as_json(V2)), id="international"),
    ],
)
def test_cards_in_other_text_chunks_are_read(body: bytes) -> None:
    kind = b"zTXt" if body[6:8] == b"\0\x78" else b"iTXt"
    assert read_card(png(chunk(kind, body))).name == "Nia"


def test_base64_may_have_line_ends_and_no_padding() -> None:
    text = base64.encodebytes(as_json(V2)).rstrip(b"=\n")
    assert read_card(png(chunk(b"tEXt", b"chara\0" + text))).name == "Nia"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (png(), "no card"),
        (png(chunk(b"tEXt", b"chara\0!!!")), "no base64"),
        (png(chunk(b"tEXt", b"chara\0" + base64.b64encode(b"[1]"))), "no object"),
        (png(text_chunk("chara", V2))[:-30], "too early"),
        (png(text_chunk("chara", V2))[:-4] + b"oops", "damaged"),
        (png(struct.pack(">I", 0xFFFFFFF0) + b"tEXt"), "too early"),
        (png(text_chunk("chara", V2), header=HEADER[:4] + struct.pack(">I", 4097) + HEADER[8:]), "sides"),
        (png(text_chunk("chara", V2), header=bytes(4) + HEADER[4:]), "sides"),
        (png(text_chunk("chara", V2), header=HEADER[:8] + b"\x07" + HEADER[9:]), "no known kind"),
        (png(text_chunk("chara", V2), header=HEADER[:-1]), "no header"),
        (png()[:8] + text_chunk("chara", V2) + PIXELS + END, "no header"),
        (png()[:33] + text_chunk("chara", V2) + END, "no pixels"),
        (png(*[chunk(b"tEXt", b"a\0b")] * 5000), "chunks"),
        (png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(bytes(4_000_000)))), "more than"),
        (png(chunk(b"iTXt", b"chara\0\1\0\0\0" + zlib.compress(bytes(4_000_000)))), "more than"),
        (png(chunk(b"zTXt", b"chara\0\0not packed")), "damaged"),
        (png(chunk(b"iTXt", b"chara\0\0\0")), "no JSON"),
    ],
)
def test_hostile_pictures_are_refused(data: bytes, why: str) -> None:
    assert why in refused(data)


def test_a_packed_text_that_is_no_card_is_not_unpacked() -> None:
    bomb = chunk(b"zTXt", b"comment\0\0" + zlib.compress(bytes(4_000_000)))
    assert read_card(png(bomb, text_chunk("chara", V2))).name == "Nia"


# Archives


def test_the_card_of_an_archive_is_read() -> None:
    for compression in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        data = charx(compression=compression, **{"assets/icon/images/1.png": png(), "card.json": as_json(V3)})
        assert read_card(data).name == "Nia"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (charx(**{"other.json": as_json(V3)}), "no card.json"),
        (charx(**{"assets/card.json": as_json(V3)}), "no card.json"),
        (charx(**{"card.json": bytes(1_000_000)}), "tightly"),
        (charx(**{"card.json": as_json(V3), "bomb": bytes(1_000_000)}), "tightly"),
        (charx(**{"card.json": as_json(V3), "../etc/x": b"x"}), "outside"),
        (charx(**{"card.json": as_json(V3), "/etc/x": b"x"}), "outside"),
        (charx(compression=zipfile.ZIP_BZIP2, **{"card.json": as_json(V3)}), "unusual"),
        (charx(**{"card.json": as_json(V3)})[:-30], "damaged"),
        (b"PK\x03\x04", "damaged"),
        (charx(**{f"m{n}": b"" for n in range(1100)}), "members"),
        (charx(compression=zipfile.ZIP_STORED, **{"card.json": b" " * (MAX_CARD_BYTES + 1)}), "more than"),
    ],
)
def test_hostile_archives_are_refused(data: bytes, why: str) -> None:
    assert why in refused(data)


def test_an_archive_that_lies_about_its_sizes_is_refused() -> None:
    data = bytearray(charx(**{"card.json": as_json(V3)}))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 70_000_000)
    assert "unpacks to more" in refused(bytes(data))


def test_an_encrypted_archive_is_refused() -> None:
    data = bytearray(charx(**{"card.json": as_json(V3)}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refused(bytes(data))


@law
@given(st.data())
def test_a_damaged_file_is_a_card_or_is_refused(draw: st.DataObject) -> None:
    whole = draw.draw(
        st.sampled_from([png(text_chunk("chara", V2)), charx(**{"card.json": as_json(V3)}), as_json(V3)])
    )
    at = draw.draw(st.integers(0, len(whole)))
    data = whole[:at] + draw.draw(st.binary(max_size=8)) + whole[at + draw.draw(st.integers(0, 8)) :]
    with suppress(Refusal):
        assert isinstance(read_card(data), Card)


# JSON that is refused


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no JSON"),
        (b"\xff", "no JSON"),
        (b"GIF89a", "no JSON"),
        (b"[]", "no object"),
        (b"{}", "neither"),
        (as_json({"name": "some-package", "description": "no card"}), "neither"),
        (as_json({"spec": "lorebook_v3", "data": {"entries": []}}), "spec"),
        (as_json({"spec": "chara_card_v2", "data": []}), "`data`"),
        (as_json({"spec": "chara_card_v2"}), "`data`"),
        (with_data(name=""), "name"),
        (with_data(name="a\nb"), "name"),
        (with_data(name="x" * 81), "name"),
        (with_data(name=7), "$.name"),
        (with_data(first_mes=["x"]), "$.first_mes"),
        (with_data(tags="x"), "$.tags"),
        (with_data(tags=[1]), "$.tags"),
        (with_data(description="x" * 32_001), "$.description"),
        (with_data(character_book=[]), "character_book"),
        (with_data(character_book={"entries": {}}), "entries"),
        (with_data(character_book={"entries": [1]}), "entries"),
        (with_data(character_book={"entries": [{"keys": ["a"]}]}), "content"),
        (with_data(character_book={"entries": [{"keys": "a", "content": ""}]}), "keys"),
        (with_data(character_book={"entries": [{"keys": [], "content": "x" * 32_001}]}), "32000"),
        (with_data(character_book={"entries": [{"keys": [], "content": ""}] * 501}), "500"),
        (with_data(character_book={"entries": [], "scan_depth": 1e300}), "beyond"),
        (with_data(character_book={"entries": [], "scan_depth": "4"}), "scan_depth"),
        (b'{"spec":"chara_card_v2","data":{"name":"x","z":NaN}}', "no JSON"),
        (b'{"spec":"chara_card_v2","data":{"name":"x","z":1e999}}', "no JSON"),
        (b'{"spec":"chara_card_v2","data":{"name":"x","z":"\\ud800"}}', "no JSON"),
        (b'{"spec":"chara_card_v2","data":{"name":"x","tags":' + b"9" * 5000 + b"}}", ""),
        (with_data(z="\x00"), "control"),
        (with_data(description="\x1b[31m"), "control"),
        (with_data(z={"\x07": 1}), "control"),
        (with_data(z=json.loads("[" * 40 + "]" * 40)), "deeper"),
        (b"[" * 100_000, "deeper"),
        (b'{"a":' * 90_000, "deeper"),
        (as_json({**V1, "z": "x" * MAX_CARD_BYTES}), "more than"),
        (bytes(MAX_FILE_BYTES + 1), "more than"),
    ],
)
def test_what_is_no_card_is_refused(data: bytes, why: str) -> None:
    assert why in refused(data)


# What is written


def test_a_card_that_is_read_and_written_is_the_same() -> None:
    assert round_trip(read_card(as_json(V3)), "v3") == {
        **V3,
        "data": {**V3["data"], "character_book": written_book(V2["data"]["character_book"])},  # type: ignore[dict-item, index]
    }
    assert round_trip(read_card(as_json(V2)), "v2") == {
        **V2,
        "data": {**V2["data"], "character_book": written_book(V2["data"]["character_book"])},  # type: ignore[dict-item, index]
    }


def written_book(book: dict[str, Any]) -> dict[str, Any]:
    return {**book, "entries": [{**entry, "use_regex": False} for entry in book["entries"]]}


def test_what_a_format_asks_for_is_written_though_it_is_empty() -> None:
    data = json.loads(write_card_json(persona(lore=Lore(rest={"name": "x"})), "v3"))["data"]
    for key in ("description", "creator", "character_version", "extensions", "group_only_greetings", "tags"):
        assert not data[key]
    assert data["character_book"]["extensions"] == {}
    assert "character_book" not in json.loads(write_card_json(persona(), "v2"))["data"]


def test_what_a_persona_says_now_wins_over_copies_for_old_programs() -> None:
    card = round_trip(read_card(as_json({**V2, **V1, "name": "Old", "chat": "kept"})), "v2")
    assert "name" not in card
    assert card["chat"] == "kept"


def test_no_secret_of_the_installation_is_written() -> None:
    text = write_card_json(persona(provider="embedded", model="m-7", visibility="public", avatar="/a")).decode()
    assert not any(word in text for word in ("embedded", "m-7", "public", "ann", "/a"))


def test_a_picture_holds_the_card_for_old_and_new_programs() -> None:
    made = read_card(as_json(V3)).persona(NIA, ANN, NOW)
    data = write_card_png(made, png(text_chunk("chara", V1)))
    assert data.count(b"chara\0") == data.count(b"ccv3\0") == 1
    card = read_card(data)
    assert card.persona(NIA, ANN, NOW) == made
    assert card.picture == png()
    assert read_card(without(data, b"ccv3")).persona(NIA, ANN, NOW) == made


def without(data: bytes, keyword: bytes) -> bytes:
    at = data.index(b"tEXt" + keyword) - 4
    return data[:at] + data[at + 12 + struct.unpack_from(">I", data, at)[0] :]


def test_a_persona_without_a_picture_gets_a_plain_one() -> None:
    data = write_card_png(persona(), None)
    assert read_card(data).name == "Nia"
    assert len(data) < 2000
    assert read_card(data).picture != read_card(write_card_png(persona("Otto"), None)).picture


def test_a_picture_that_is_none_is_refused() -> None:
    for data in (b"\x89PNG\r\n\x1a\n", b"GIF89a", b"", bytes(MAX_FILE_BYTES + 1)):
        with pytest.raises(Refusal, match="bad_card"):
            write_card_png(persona(), data)
        with pytest.raises(Refusal, match="bad_card"):
            picture_of(data)


# Round trips of any card

texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
unknown = st.dictionaries(texts.map("x-{}".format), values, max_size=4)
numbers = st.integers(-1000, 1000)
entries = st.builds(
    lambda known, more: {**more, **known},
    st.fixed_dictionaries(
        {"keys": st.lists(texts, max_size=3), "content": texts},
        optional={
            "name": texts,
            "enabled": st.booleans(),
            "constant": st.booleans(),
            "selective": st.booleans(),
            "secondary_keys": st.lists(texts, max_size=2),
            "case_sensitive": st.booleans(),
            "use_regex": st.booleans(),
            "insertion_order": numbers,
            "priority": numbers,
            "extensions": unknown,
        },
    ),
    unknown,
)
books = st.builds(
    lambda known, more: {**more, **known},
    st.fixed_dictionaries(
        {"entries": st.lists(entries, max_size=3)},
        optional={
            "scan_depth": numbers,
            "token_budget": numbers,
            "recursive_scanning": st.booleans(),
            "name": texts,
            "extensions": unknown,
        },
    ),
    unknown,
)
v1_data = st.fixed_dictionaries({key: texts for key in V1 if key != "name"} | {"name": st.just("Nia")})
v2_data = st.builds(
    lambda known, more, rest: {**rest, **known, **more},
    v1_data,
    st.fixed_dictionaries(
        {},
        optional={
            "creator_notes": texts,
            "system_prompt": texts,
            "post_history_instructions": texts,
            "alternate_greetings": st.lists(texts, max_size=2),
            "tags": st.lists(texts, max_size=2),
            "creator": texts,
            "extensions": unknown,
            "character_book": books,
            "nickname": texts,
            "assets": st.lists(unknown, max_size=2),
            "group_only_greetings": st.lists(texts, max_size=2),
        },
    ),
    unknown,
)
cards = st.builds(lambda known, rest: {**rest, **known}, v1_data, unknown) | st.builds(
    lambda spec, data, rest: {**rest, "spec": spec, "spec_version": "2.0", "data": data},
    st.sampled_from(["chara_card_v2", "chara_card_v3"]),
    v2_data,
    unknown,
)


@law
@given(cards, st.sampled_from(["v2", "v3"]))
def test_round_trips_keep_everything(card: dict[str, Any], spec: Any) -> None:
    read = read_card(as_json(card))
    written = round_trip(read, spec)
    assert read_card(as_json(written)) == read
    assert kept(card.get("data", card), written["data"])
    assert all(written[key] == value for key, value in card.items() if key.startswith("x-") and "spec" in card)
    assert read_card(write_card_png(read.persona(NIA, ANN, NOW), None)).persona(NIA, ANN, NOW) == read.persona(
        NIA, ANN, NOW
    )


def kept(before: object, after: object) -> bool:
    """Tell whether everything is still there, but for what is as it would be if nobody had said it."""
    match before, after:
        case dict(), dict():
            return all(
                kept(value, after[key]) if key in after else is_usual(key, value) for key, value in before.items()
            )
        case list(), list():
            return len(before) == len(after) and all(map(kept, before, after))
        case _:
            return before == after and type(before) is type(after)


def is_usual(key: str, value: object) -> bool:
    return value in ("", [], {}, False, None) or (key == "priority" and value == 10) or key == "character_book"
