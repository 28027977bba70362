"""People and personas who talk over a real server."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.cli.conftest import Person, Seat
from tests.cli.test_chat_bottom import FakeTerminal
from tests.cli.test_chat_talk import BadLine, url_of
from tests.cli.test_chat_terminal import piped, terminal
from tests.support.server import Server

QUESTION = "what do you think of a long walk along the river, in the rain, with a very small umbrella?"
REPLY = "(Scripted persona, no language model.)"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in which Nia and Otto Blue live."""
    with Server(tmp_path_factory.mktemp("personas"), reply_provider="scripted", presence_grace_s=0) as server:
        for name in ("Nia", "Otto Blue"):
            card = {"name": name, "visibility": "public"}
            made = httpx2.post(f"{server.url}/api/v1/personas", json=card, headers={"X-Gator-User": "ann"})
            assert made.status_code == 201
        yield server


def growth(person: Person) -> list[str]:
    """What a reply said, as often as it grew."""
    return [shown.partition(": ")[2] for shown in person.live if shown.startswith("Nia (AI")]


async def test_a_reply_grows_before_everybody_and_becomes_one_message(house: Server, seat: Seat) -> None:
    ann, bob = seat(url_of(house), "ann", "grows"), seat(url_of(house), "bob", "grows")
    await bob.until("You are bob")
    await ann.until("You are ann")
    ann.type(f"/ask nia: {QUESTION}")
    for person in (ann, bob):
        await person.until(f"Nia (AI): {REPLY}")
        reply = person.said[-1].removeprefix("Nia (AI): ")
        assert person.said == [f"ann: {QUESTION}", f"Nia (AI): {reply}"]
        grown = growth(person)
        assert len(set(grown)) > 5
        assert all(reply.startswith(text) for text in grown)
        assert person.live[-1] == ""
    assert ann.said == bob.said


async def test_a_reply_is_stopped_by_another_and_made_anew(house: Server, seat: Seat) -> None:
    ann, bob = seat(url_of(house), "ann", "stops"), seat(url_of(house), "bob", "stops")
    await bob.until("You are bob")
    ann.type(f"/ask Nia {QUESTION}", f"/ask Otto Blue {QUESTION}")
    await bob.until_live("language")
    await bob.until_live("* Otto Blue (AI) replies after 1 other")
    bob.type("/stop")
    await ann.until("* bob stopped Nia (AI)")
    (partly,) = [line for line in ann.said if line.startswith("Nia")]
    assert partly.startswith(f"Nia (AI, stopped): {REPLY[:10]}")
    await bob.until(f"Otto Blue (AI): {REPLY}")
    bob.type("/again")
    await ann.until(f"Otto Blue (AI, attempt 2): {REPLY}")


async def test_what_waits_is_stopped_when_nothing_is_said(house: Server, seat: Seat) -> None:
    ann = seat(url_of(house), "ann", "nothing")
    ann.type("/stop", "/again", "/ask Uma hello", "/personas", None)
    assert (await ann.left()).status == 1
    assert "* There is no reply here to be made anew." in ann.shown
    assert "* Not sent: 'Uma hello'. You may ask nobody of that name: /personas lists whom." in ann.shown
    assert sum(line.startswith("* Otto Blue  ") for line in ann.shown) == 1


async def test_a_line_that_breaks_in_the_middle_of_a_reply_shows_nothing_twice(house: Server, seat: Seat) -> None:
    bob = seat(url_of(house), "bob", "cut")
    await bob.until("You are bob")
    async with BadLine(house, b"umbrella?\xe2\x80\x9d") as url:
        ann = seat(url, "ann", "cut")
        await bob.until("ann joined")
        bob.type(f"/ask Nia {QUESTION}")
        await ann.until("* Connected again.")
        await bob.until(f"Nia (AI): {REPLY}")
        await ann.until(f"Nia (AI): {REPLY}")
    assert ann.said == bob.said
    assert all(bob.said[-1].endswith(text) or text in bob.said[-1] for text in growth(ann))
    assert ann.live[-1] == ""


async def test_who_comes_in_the_middle_of_a_reply_sees_what_was_said(house: Server, seat: Seat) -> None:
    ann = seat(url_of(house), "ann", "middle")
    ann.type(f"/ask Nia {QUESTION}")
    await ann.until_live("language")
    bob = seat(url_of(house), "bob", "middle")
    await bob.until_live(f": {REPLY[:20]}")
    await bob.until(f"Nia (AI): {REPLY}")
    assert bob.said == [f"ann: {QUESTION}", *[line for line in ann.said if line.startswith("Nia")]]


async def test_a_pipe_gets_the_reply_when_it_is_whole(house: Server, tmp_path: Path) -> None:
    typed = f"/ask Nia {QUESTION}\n".encode()
    status, out, errors = await piped(typed, "ann", "pipe", "--url", url_of(house), home=tmp_path)
    assert (status, errors) == (0, b"")
    lines = [line[6:] for line in out.decode().splitlines() if line[:2].isdigit()]
    assert lines[1] == f"ann: {QUESTION}"
    assert lines[2].startswith(f"Nia (AI): {REPLY}")
    assert len(lines) == 3
    assert b"\x1b" not in out


async def test_on_a_screen_a_reply_stands_once_and_what_is_typed_stays_below(
    house: Server, seat: Seat, tmp_path: Path
) -> None:
    with terminal(house, "ann", "screen", tmp_path) as tty:
        here = await tty.until("> ", await tty.until("created the conversation"))
        tty.type(f"/ask Nia {QUESTION}")
        here = await tty.until("umbrella?", here)
        tty.type("\r")
        here = await tty.until("language", here)
        tty.type("half a line")
        await tty.until("umbrella?”", await tty.until("You said", here))
        bob = seat(url_of(house), "bob", "screen")
        await tty.until("bob joined", here)
        await bob.until(f"Nia (AI): {REPLY}")
        screen = FakeTerminal(60)
        screen.write(tty.output.decode())
    print(*screen.screen, sep="\n")
    print(tty.output)
    text = " ".join(row.strip() for row in screen.screen)
    assert text.count("no language model.") == 1
    assert text.count("umbrella?”") == 1
    assert text.endswith("> half a line")
    assert max(map(len, screen.screen)) < 60


async def test_ctrl_d_waits_for_the_reply_and_ctrl_c_does_not(house: Server, seat: Seat) -> None:
    ann = seat(url_of(house), "ann", "leaves")
    ann.type(f"/ask Nia {QUESTION}", None)
    assert (await ann.left()).status == 0
    assert ann.said[-1].startswith(f"Nia (AI): {REPLY}")
    ann = seat(url_of(house), "ann", "leaves")
    ann.type(f"/ask Nia {QUESTION}", None)
    await ann.until_live("language")
    async with asyncio.timeout(1):
        assert (await ann.leave()).status == 0
    assert sum(line.startswith("Nia") for line in ann.said) == 1
