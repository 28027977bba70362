"""An installation begins with somebody to talk to."""

from pathlib import Path

from fastapi import FastAPI
from tests.api.conftest import Open, opened


def test_there_is_a_persona_to_talk_to_and_it_is_nobody_s(open_office: Open) -> None:
    office = open_office(first_persona=True)
    [first] = office.alice.get("/personas").json()["personas"]
    assert (first["id"], first["name"], first["mine"]) == ("gator", "Gator", False)
    assert office.bob.patch("/personas/gator", {"name": "Mine"}).status_code == 403
    assert office.bob.delete("/personas/gator").status_code == 403


def test_it_is_there_once_however_often_the_server_starts(application: FastAPI, tmp_path: Path) -> None:
    for _ in range(2):
        with opened(application, tmp_path, first_persona=True) as office:
            assert len(office.alice.get("/personas").json()["personas"]) == 1


def test_it_greets_by_name(open_office: Open) -> None:
    office = open_office(first_persona=True)
    talk = office.alice.post("/personas/gator/conversations").json()
    [greeting] = office.alice.get(f"/conversations/{talk['id']}/messages").json()["messages"]
    assert greeting["content"].startswith("Hello alice!")
    assert (greeting["is_ai"], greeting["sender_id"]) == (True, "gator")
