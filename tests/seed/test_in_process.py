"""The application inside a test client, as the document uses it and as FastAPI's own docs do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketTestSession

from backend.api.main import app
from gator.app import create_app

PEOPLE = ("/ws/ann", "/ws/bob")


def receive(socket: WebSocketTestSession, kind: str) -> dict[str, object]:
    """Receive frames up to one of a kind."""
    while True:
        frame: dict[str, object] = socket.receive_json()
        if frame["type"] == kind:
            return frame


def talk(client: TestClient, room: str) -> None:
    """Let two people talk over two connections that are open at once."""
    with client.websocket_connect(PEOPLE[0]) as ann, client.websocket_connect(PEOPLE[1]) as bob:
        for socket in (ann, bob):
            socket.send_json({"type": "join_conversation", "conversation_id": room})
            receive(socket, "conversation_joined")
        assert receive(ann, "presence_update")["user_id"] == "bob"
        bob.send_json({"type": "typing_start", "conversation_id": room})
        assert receive(ann, "typing_indicator")["is_typing"] is True
        bob.send_json({"type": "send_message", "conversation_id": room, "content": f"Hello, {room}"})
        receive(bob, "ack")
        for socket in (ann, bob):
            message = receive(socket, "new_message")["message"]
            assert isinstance(message, dict)
            assert message["content"] == f"Hello, {room}"


def history(client: TestClient, room: str) -> list[str]:
    """Read what was said, over HTTP."""
    answer = client.get(f"/api/v1/conversations/{room}/messages", headers={"X-Gator-User": "ann"})
    return [message["content"] for message in answer.json()["messages"]]


def test_two_connections_at_once_without_lifespan() -> None:
    client = TestClient(app)
    talk(client, "no-lifespan")
    assert history(client, "no-lifespan") == ["Hello, no-lifespan"]


def test_two_connections_at_once_with_lifespan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATOR_DATA", str(tmp_path / "data"))
    with TestClient(create_app()) as client:
        talk(client, "lifespan")
        assert history(client, "lifespan") == ["Hello, lifespan"]


def test_an_app_lives_on_in_any_order_of_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATOR_DATA", str(tmp_path / "data"))
    app = create_app()
    talk(TestClient(app), "room")
    with TestClient(app) as client:
        talk(client, "room")
        assert history(client, "room") == ["Hello, room"] * 2
    client = TestClient(app)
    talk(client, "room")
    assert history(client, "room") == ["Hello, room"] * 3
    with TestClient(app) as client:
        assert history(client, "room") == ["Hello, room"] * 3


def test_a_program_that_used_it_without_lifespan_ends_in_good_order(tmp_path: Path) -> None:
    program = (
        "from fastapi.testclient import TestClient\n"
        "from backend.api.main import app\n"
        "with TestClient(app).websocket_connect('/ws/ann') as ann:\n"
        "    ann.receive_json()\n"
    )
    environment = {**os.environ, "GATOR_DATA": str(tmp_path / "data")}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    # SQLite takes its journal away when the last connection is closed, and only then.
    assert [file.name for file in (tmp_path / "data").glob("gator.db*")] == ["gator.db"]


def test_a_closed_connection_is_seen_by_the_other_one() -> None:
    client = TestClient(app)
    with client.websocket_connect(PEOPLE[0]) as ann:
        ann.send_json({"type": "join_conversation", "conversation_id": "leaving"})
        with client.websocket_connect(PEOPLE[1]) as bob:
            bob.send_json({"type": "join_conversation", "conversation_id": "leaving"})
            receive(bob, "conversation_joined")
            bob.send_json({"type": "typing_start", "conversation_id": "leaving"})
            assert receive(ann, "typing_indicator")["is_typing"] is True
        assert receive(ann, "typing_indicator")["is_typing"] is False
