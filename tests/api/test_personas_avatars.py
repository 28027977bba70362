from typing import Any

import pytest
from tests.api.conftest import API, Caller, Office, check_problem
from tests.api.test_personas import makes
from tests.personas.people import chunk, png
from tests.support.personas import GIF, JPEG, NIA, PNG, WEBP

from gator.api.avatars import MAX_BYTES


def hangs(caller: Caller, persona_id: str, image: bytes) -> Any:
    """Give a persona a picture."""
    return caller.client.put(f"{API}/personas/{persona_id}/avatar", headers=caller.headers, content=image)


def looks(caller: Caller, persona_id: str, **headers: str) -> Any:
    return caller.client.get(f"{API}/personas/{persona_id}/avatar", headers=caller.headers | headers)


@pytest.mark.parametrize(
    ("image", "media_type"),
    [(PNG, "image/png"), (GIF, "image/gif"), (JPEG, "image/jpeg"), (WEBP, "image/webp")],
)
def test_a_picture_is_served_as_what_it_is_and_nothing_in_it_is_run(
    shared: Office, image: bytes, media_type: str
) -> None:
    made = makes(shared.alice)
    shown = hangs(shared.alice, made, image).json()
    assert shown["avatar"].startswith(f"{API}/personas/{made}/avatar?v=")
    response = shared.client.get(shown["avatar"], headers=shared.alice.headers)
    assert (response.status_code, response.content) == (200, image)
    assert response.headers["content-type"] == media_type
    assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_version_is_kept_for_ever_and_the_present_one_is_asked_for(shared: Office) -> None:
    made = makes(shared.alice)
    address = hangs(shared.alice, made, PNG).json()["avatar"]
    kept = shared.client.get(address, headers=shared.alice.headers)
    assert kept.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert kept.headers["vary"] == "Authorization, X-Gator-User"
    asked = looks(shared.alice, made)
    assert asked.headers["cache-control"] == "private, no-cache"
    fresh = looks(shared.alice, made, **{"If-None-Match": asked.headers["etag"]})
    assert (fresh.status_code, fresh.content) == (304, b"")
    assert fresh.headers["etag"] == asked.headers["etag"]
    hangs(shared.alice, made, GIF)
    stale = looks(shared.alice, made, **{"If-None-Match": asked.headers["etag"]})
    assert (stale.status_code, stale.content) == (200, GIF)
    old = shared.client.get(address, headers=shared.alice.headers)
    assert (old.content, old.headers["cache-control"]) == (GIF, "private, no-cache")


@pytest.mark.parametrize(
    "image",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<script>", b"RIFF\0\0\0\0WAVE", PNG[:40], b"BM" + PNG],
)
def test_what_is_no_picture_is_refused(shared: Office, image: bytes) -> None:
    made = makes(shared.alice)
    check_problem(hangs(shared.alice, made, image), 422, "bad_card")
    check_problem(looks(shared.alice, made), 404, "not_found")
    assert shared.alice.get(f"/personas/{made}").json()["avatar"] is None


def test_a_picture_is_not_too_large(shared: Office) -> None:
    made = makes(shared.alice)
    largest = JPEG.ljust(MAX_BYTES, b"\0")
    assert hangs(shared.alice, made, largest).status_code == 200
    check_problem(hangs(shared.alice, made, largest + b"\0"), 413, "body_too_large")
    assert looks(shared.alice, made).content == largest


def test_what_a_program_wrote_beside_the_pixels_is_not_served(shared: Office) -> None:
    made = makes(shared.alice)
    hangs(shared.alice, made, png(chunk(b"tEXt", b"chara\0c2VjcmV0"), chunk(b"eXIf", b"where and when")))
    assert looks(shared.alice, made).content == png()


def test_a_picture_is_taken_away(shared: Office) -> None:
    made = makes(shared.alice)
    hangs(shared.alice, made, PNG)
    response = shared.alice.delete(f"/personas/{made}/avatar")
    assert (response.status_code, response.content) == (204, b"")
    check_problem(looks(shared.alice, made), 404, "not_found")
    assert shared.alice.get(f"/personas/{made}").json()["avatar"] is None
    assert shared.alice.delete(f"/personas/{made}/avatar").status_code == 204


def test_only_its_owner_hangs_a_picture(shared: Office) -> None:
    made = makes(shared.alice, visibility="public")
    check_problem(hangs(shared.bob, made, PNG), 403, "forbidden")
    hangs(shared.alice, made, PNG)
    assert looks(shared.bob, made).content == PNG


def test_who_is_in_a_conversation_with_a_private_persona_sees_its_picture(office: Office) -> None:
    made = makes(office.alice)
    hangs(office.alice, made, PNG)
    check_problem(looks(office.bob, made), 404, "persona_not_found")
    office.alice.creates("bob", made)
    assert looks(office.bob, made).content == PNG
    check_problem(office.bob.get(f"/personas/{made}"), 404, "persona_not_found")


def test_the_picture_is_shown_with_what_the_persona_says(office: Office) -> None:
    made = office.alice.post("/personas", NIA).json()["id"]
    avatar = hangs(office.alice, made, PNG).json()["avatar"]
    begun = office.bob.post(f"/personas/{made}/conversations").json()
    assert begun["last_message"]["sender"] == {"name": "Nia", "avatar": avatar}
