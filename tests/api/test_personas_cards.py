import io
import json
import zipfile
from typing import Any

import pytest
from tests.api.conftest import API, Caller, Office, check_problem
from tests.api.test_personas import makes
from tests.personas.people import chunk, persona, png
from tests.support.personas import GIF, NIA, PNG

from gator.api.avatars import MAX_BYTES
from gator.personas.cards import read_card, write_card_png

CARD = {
    "spec": "chara_card_v3",
    "spec_version": "3.0",
    "data": {"name": "Nia", "description": "A gardener.", "first_mes": "Hello.", "nickname": "N", "x": {"y": [1]}},
}
"""With members that this server does not know."""


def brings(caller: Caller, file: bytes) -> Any:
    """Import a card."""
    return caller.client.post(f"{API}/personas/import", headers=caller.headers, content=file)


def charx(card: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("card.json", json.dumps(card))
    return file.getvalue()


@pytest.mark.parametrize("file", [json.dumps(CARD).encode(), charx(CARD)], ids=["json", "charx"])
def test_a_card_becomes_a_private_persona(shared: Office, file: bytes) -> None:
    response = brings(shared.alice, file)
    assert response.status_code == 201, response.text
    brought = response.json()
    assert (brought["name"], brought["description"], brought["greeting"]) == ("Nia", "A gardener.", "Hello.")
    assert (brought["visibility"], brought["avatar"], brought["mine"]) == ("private", None, True)
    assert shared.alice.get(f"/personas/{brought['id']}").json() == brought


def test_what_this_server_does_not_know_goes_out_again(shared: Office) -> None:
    brought = brings(shared.alice, json.dumps(CARD).encode()).json()["id"]
    shared.alice.patch(f"/personas/{brought}", {"description": "A tamer."})
    response = shared.alice.get(f"/personas/{brought}/card")
    assert response.headers["content-type"] == "application/json"
    assert response.json()["data"] | CARD["data"] == response.json()["data"] | {"description": "A gardener."}
    assert response.json()["data"]["description"] == "A tamer."


@pytest.mark.parametrize("spec", ["v2", "v3"])
def test_a_persona_goes_out_in_both_versions_and_comes_back_the_same(shared: Office, spec: str) -> None:
    made = shared.alice.post("/personas", NIA).json()
    card = shared.bob.get(f"/personas/{made['id']}/card", format="json", spec=spec)
    assert card.json()["spec"] == f"chara_card_{spec}"
    back = brings(shared.bob, card.content).json()
    told_elsewhere = {"provider": None, "model": None, "temperature": None, "max_tokens": None}
    own = {name: back[name] for name in ("id", "visibility", "created_at", "updated_at")}
    assert back == made | told_elsewhere | own


def test_a_picture_with_a_card_becomes_the_persona_s_picture(shared: Office) -> None:
    made = shared.alice.post("/personas", NIA).json()["id"]
    path = f"{API}/personas/{made}/avatar"
    shared.client.put(path, headers=shared.alice.headers, content=PNG)
    card = shared.alice.get(f"/personas/{made}/card", format="png")
    assert card.headers["content-type"] == "image/png"
    assert read_card(card.content).picture == PNG
    brought = brings(shared.bob, card.content).json()
    assert brought["lore"] == NIA["lore"]
    shown = shared.client.get(brought["avatar"], headers=shared.bob.headers)
    assert (shown.content, shown.headers["content-type"]) == (PNG, "image/png")


@pytest.mark.parametrize("image", [None, GIF], ids=["none", "gif"])
def test_a_persona_without_a_png_goes_out_with_a_plain_one(shared: Office, image: bytes | None) -> None:
    made = makes(shared.alice)
    if image is not None:
        shared.client.put(f"{API}/personas/{made}/avatar", headers=shared.alice.headers, content=image)
    card = read_card(shared.alice.get(f"/personas/{made}/card", format="png").content)
    assert card.name == "Nia"
    assert card.picture is not None


def test_a_picture_that_is_too_large_stays_outside(shared: Office) -> None:
    large = write_card_png(persona(), png(chunk(b"IDAT", bytes(MAX_BYTES))))
    brought = brings(shared.alice, large)
    assert (brought.status_code, brought.json()["avatar"]) == (201, None)


def test_a_file_is_named_after_its_persona_and_not_run(shared: Office) -> None:
    made = makes(shared.alice, 'Ñ "x"; /..')
    headers = shared.alice.get(f"/personas/{made}/card").headers
    assert headers["content-disposition"] == ("attachment; filename*=UTF-8''%C3%91%20%22x%22%3B%20%2F...json")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize("file", [b"", b"{}", b"hello", PNG, GIF, b"PK\x03\x04", b"[" * 100_000])
def test_what_is_no_card_is_refused(shared: Office, file: bytes) -> None:
    newcomer = shared.named("newcomer")
    check_problem(brings(newcomer, file), 422, "bad_card")
    assert newcomer.get("/personas", mine=True).json()["personas"] == []


@pytest.mark.parametrize("params", [{"format": "pdf"}, {"spec": "v1"}])
def test_there_are_two_forms_and_two_versions(shared: Office, params: dict[str, str]) -> None:
    made = makes(shared.alice)
    check_problem(shared.alice.get(f"/personas/{made}/card", **params), 422, "invalid_command")
