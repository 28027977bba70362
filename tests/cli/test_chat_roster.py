import pytest

from gator.cli.chat.roster import Roster
from gator_chat_client import PersonaSummary


def persona(id: str, name: str) -> PersonaSummary:
    return PersonaSummary(id=id, name=name, avatar=None, blurb="", tags=[], mine=False)


NIA, BLUE, MARK = persona("p1", "Nia"), persona("p2", "Nia Blue"), persona("p3", "?!")


def roster_of(*personas: PersonaSummary) -> Roster:
    roster = Roster()
    roster.learn_all(personas)
    return roster


@pytest.mark.parametrize(
    ("text", "whom", "said"),
    [
        ("Nia hello", "p1", "hello"),
        ("nIA: hello: you", "p1", "hello: you"),
        ("Nia, hello", "p1", "hello"),
        ("p1 hello", "p1", "hello"),
        ("Nia Blue  hello", "p2", "hello"),
        ("Nia Bluebell", "p1", "Bluebell"),
        ("Nia\nhello", "p1", "hello"),
        ("?! hello", "p3", "hello"),
        ("Nia", "p1", ""),
        ("Nia,", "p1", ""),
    ],
)
def test_the_longest_name_or_id_that_fits_is_addressed(text: str, whom: str, said: str) -> None:
    assert roster_of(NIA, BLUE, MARK).addressed(text) == ([whom], said)


@pytest.mark.parametrize("text", ["", "hello Nia", "Niamh hello", "Ni", "hello"])
def test_a_text_that_begins_with_no_name_addresses_nobody(text: str) -> None:
    assert roster_of(NIA, BLUE).addressed(text)[0] == []


def test_several_of_the_same_name_are_found() -> None:
    twin = persona("p9", "NIA")
    assert roster_of(NIA, twin, BLUE).addressed("Nia hello") == (["p1", "p9"], "hello")


def test_a_persona_whose_name_is_its_id_is_found_once() -> None:
    assert roster_of(persona("nia", "nia")).addressed("nia hello") == (["nia"], "hello")


def test_without_a_list_the_first_word_is_an_id() -> None:
    roster = Roster()
    roster.learn_all(None)
    assert not roster.is_listed
    assert roster.addressed("p1 hello you") == (["p1"], "hello you")


def test_names_are_remembered() -> None:
    roster = roster_of(NIA)
    roster.learn("p7", "Sam")
    roster.learn_all(None)
    assert [roster.name_of(each) for each in ("p1", "p7", "p8")] == ["Nia", "Sam", "p8"]
    assert [roster.knows(each) for each in ("p1", "p8")] == [True, False]
