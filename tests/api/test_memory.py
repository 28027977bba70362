from typing import Any

import pytest
from tests.api.conftest import Office, check_problem

from gator.domain.memory import MAX_PIN_CHARS, MAX_PINS, MAX_SUMMARY_CHARS, Memory
from gator.ports import MemorySaved
from gator.protocol.types import ConversationId, Seq

NOTHING = {"summary": "", "summary_seq": 0, "pins": []}


def test_a_conversation_begins_without_memories(office: Office) -> None:
    garden = office.alice.creates("bob")
    assert office.bob.get(f"/conversations/{garden}/memory").json() == NOTHING


def test_a_member_changes_what_all_members_see(office: Office) -> None:
    garden = office.alice.creates("bob")
    told = {"summary": "They talk of roses.", "pins": ["Bob is allergic."]}
    response = office.bob.put(f"/conversations/{garden}/memory", told)
    assert (response.status_code, response.json()) == (200, told | {"summary_seq": 0})
    assert office.alice.get(f"/conversations/{garden}/memory").json() == response.json()


def test_a_change_replaces_the_whole_memory(office: Office) -> None:
    garden = office.alice.creates()
    office.alice.put(f"/conversations/{garden}/memory", {"summary": "Roses.", "pins": ["One."]})
    office.alice.put(f"/conversations/{garden}/memory", {"summary": "", "pins": []})
    assert office.alice.get(f"/conversations/{garden}/memory").json() == NOTHING


def test_what_was_summed_up_is_not_summed_up_again(office: Office) -> None:
    garden = ConversationId(office.alice.creates())
    summed_up = Memory(summary="Roses.", summary_seq=Seq(7))
    office.client.portal.call(office.client.app.state.house.journal.write_down, MemorySaved(garden, summed_up))
    office.alice.put(f"/conversations/{garden}/memory", {"summary": "Tulips.", "pins": []})
    assert office.alice.get(f"/conversations/{garden}/memory").json() == {
        "summary": "Tulips.",
        "summary_seq": 7,
        "pins": [],
    }


def test_a_reader_reads_it_and_does_not_change_it(office: Office) -> None:
    news = office.alice.creates("bob", kind="channel")
    assert office.bob.get(f"/conversations/{news}/memory").status_code == 200
    check_problem(office.bob.put(f"/conversations/{news}/memory", {"summary": "x", "pins": []}), 403, "forbidden")
    assert office.alice.get(f"/conversations/{news}/memory").json() == NOTHING


def test_a_memory_may_go_up_to_its_bounds(office: Office) -> None:
    garden = office.alice.creates()
    told = {"summary": "s" * MAX_SUMMARY_CHARS, "pins": ["p" * MAX_PIN_CHARS] * MAX_PINS}
    assert office.alice.put(f"/conversations/{garden}/memory", told).json() == told | {"summary_seq": 0}


@pytest.mark.parametrize(
    "told",
    [
        {"summary": "s" * (MAX_SUMMARY_CHARS + 1)},
        {"summary": "a\x00b"},
        {"summary": None},
        {"pins": ["p"] * (MAX_PINS + 1)},
        {"pins": ["p" * (MAX_PIN_CHARS + 1)]},
        {"pins": [" "]},
        {"pins": ["a\x00b"]},
        {"pins": "p"},
        {"summary_seq": 9},
    ],
)
def test_what_is_no_memory_is_refused(shared: Office, told: dict[str, Any]) -> None:
    garden = shared.alice.creates()
    response = shared.alice.put(f"/conversations/{garden}/memory", {"summary": "", "pins": []} | told)
    check_problem(response, 422, "invalid_command")
    assert shared.alice.get(f"/conversations/{garden}/memory").json() == NOTHING


@pytest.mark.parametrize("body", [{"summary": ""}, {"pins": []}, {}])
def test_both_parts_are_named(shared: Office, body: dict[str, Any]) -> None:
    garden = shared.alice.creates()
    check_problem(shared.alice.put(f"/conversations/{garden}/memory", body), 422, "invalid_command")
