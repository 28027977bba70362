from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.laws.histories import law

from gator.domain.persona import MAX_LORE_ENTRIES, Lore, LoreEntry
from gator.personas.lore import MAX_KEY_WORDS, MAX_SCAN_CHARS, known_lore
from gator.personas.tokens import estimate


def entry(*keys: str, content: str = "known", **told: Any) -> LoreEntry:
    return LoreEntry(keys=keys, content=content, **told)


def known(lore: Lore | LoreEntry, *messages: str) -> list[str]:
    book = lore if isinstance(lore, Lore) else Lore(entries=(lore,))
    return known_lore(book, messages, estimate)


@pytest.mark.parametrize(
    ("key", "message", "is_said"),
    [
        ("rose", "A Rose!", True),
        ("ROSE", "a rose", True),
        ("rose", "roses", False),
        ("rose", "primrose", False),
        ("rose", "the rose's thorn", True),
        ("red rose", "a red\n rose", True),
        ("red rose", "a red, rose", False),
        ("Dr. Who", "ask dr. who", True),
        ("C++", "I like c++", True),
        ("C++", "I like c", False),
        ("🌹", "here 🌹 take it", True),
        ("straße", "STRASSE", True),
        ("ｒｏｓｅ", "rose", True),
        ("東京", "明日は東京タワーへ", True),
        ("京都", "東京", False),
        ("กุหลาบ", "ฉันชอบกุหลาบแดง", True),
        ("長い", "roseが長い", True),
        ("rose", "roseが長い", True),
        ("हिन्द", "हिन्द", True),
        ("", "anything", False),
        ("  ", "any thing", False),
        ("x " * MAX_KEY_WORDS, "x " * MAX_KEY_WORDS, True),
        ("x " * (MAX_KEY_WORDS + 1), "x " * (MAX_KEY_WORDS + 1), False),
    ],
)
def test_a_key_is_found_as_whole_words(key: str, message: str, is_said: bool) -> None:
    assert known(entry(key), message) == (["known"] if is_said else [])


def test_case_may_matter() -> None:
    assert known(entry("Rose", case_sensitive=True), "a Rose")
    assert not known(entry("Rose", case_sensitive=True), "a rose")


def test_a_pattern_is_looked_for_as_the_text_it_is() -> None:
    assert known(entry("rose", use_regex=True), "a rose")
    assert not known(entry("ro.e", use_regex=True), "a rose")
    assert not known(entry("(a+)+$", use_regex=True), "a" * 30_000)


def test_one_of_the_keys_is_enough() -> None:
    assert known(entry("lily", "rose"), "a rose")


def test_a_selective_entry_asks_for_a_secondary_key_as_well() -> None:
    selective = entry("rose", selective=True, secondary_keys=("red", "white"))
    assert known(selective, "white", "rose")
    assert not known(selective, "a rose")
    assert not known(selective, "white")
    assert known(replace(selective, selective=False), "a rose")
    assert known(entry("rose", selective=True), "a rose")


def test_a_constant_entry_is_always_known_unless_it_is_off() -> None:
    assert known(entry(constant=True)) == ["known"]
    assert known(entry(constant=True, enabled=False)) == []


def test_only_the_newest_messages_are_searched() -> None:
    book = Lore(entries=(entry("rose"),), scan_depth=2)
    assert known(book, "rose", "b", "c") == []
    assert known(book, "rose", "c") == ["known"]
    assert known(replace(book, scan_depth=0), "rose") == []
    assert known(replace(book, scan_depth=-3), "rose") == []


def test_only_so_much_text_is_searched() -> None:
    assert known(entry("rose"), "rose " + "x" * MAX_SCAN_CHARS) == []
    assert known(entry("rose"), "rose", "x" * MAX_SCAN_CHARS) == []
    assert known(entry("rose"), "x" * MAX_SCAN_CHARS + " rose") == ["known"]


def test_entries_are_said_in_their_order() -> None:
    book = Lore(
        entries=(
            entry("a", content="third", insertion_order=9),
            entry("a", content="first", insertion_order=-1),
            entry("a", content="second", insertion_order=3),
        )
    )
    assert known(book, "a") == ["first", "second", "third"]


def test_the_most_important_entries_that_fit_are_known() -> None:
    book = Lore(
        entries=(
            entry("a", content="x" * 30, priority=1),
            entry("a", content="y" * 30, priority=5, insertion_order=200),
            entry("a", content="z" * 300, priority=9),
            entry("a", content="w" * 30, priority=3),
        ),
        token_budget=24,
    )
    assert known(book, "a") == ["w" * 30, "y" * 30]
    assert known(replace(book, token_budget=0), "a") == []


def test_entries_lead_to_others_only_where_the_book_says_so() -> None:
    chain = tuple(entry(f"k{n}", content=f"c{n} k{n + 1}") for n in range(9))
    assert known(Lore(entries=chain), "k0") == ["c0 k1"]
    assert known(Lore(entries=chain, recursive=True), "k0") == [f"c{n} k{n + 1}" for n in range(4)]


def test_a_constant_entry_leads_to_others_too() -> None:
    book = Lore(entries=(entry(constant=True, content="the rose"), entry("rose")), recursive=True)
    assert known(book) == ["the rose", "known"]
    assert known(replace(book, recursive=False)) == ["the rose"]


def test_lines_for_other_programs_are_not_said() -> None:
    content = "\n@@depth 4\n@@@instruct_depth 4\n\nRoses @@ have\n@@thorns"
    assert known(entry("a", content=content), "a") == ["Roses @@ have\n@@thorns"]
    assert known(entry("a", content="@@depth 4"), "a") == []


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("a " * MAX_KEY_WORDS, "a " * 100_000),
        ("東" * MAX_KEY_WORDS, "東" * 200_000),
        ("\ufdfa", "\ufdfa" * 100_000),
        ("!" * MAX_KEY_WORDS, "!" * 200_000),
    ],
)
def test_hostile_books_take_bounded_time(key: str, text: str) -> None:
    entries = tuple(
        entry(*(key[: n % len(key)] + f" {number} {n}" for n in range(60)), key, content=text[:32_000])
        for number in range(MAX_LORE_ENTRIES)
    )
    began = perf_counter()
    known_lore(Lore(entries=entries, recursive=True, scan_depth=10**9), [text] * 100, estimate)
    # Work that grew with keys times text would take hours.
    assert perf_counter() - began < 20


words = st.sampled_from(["rose", "red", "a", "the", "東", "!", "Rose"])


@law
@given(st.lists(words, min_size=1, max_size=3), st.lists(words, max_size=12))
def test_keys_are_found_exactly_where_their_words_stand_side_by_side(key: list[str], message: list[str]) -> None:
    wanted = [word.lower() for word in key]
    said = [word.lower() for word in message]
    stands = any(said[at : at + len(wanted)] == wanted for at in range(len(said)))
    assert bool(known(entry(" ".join(key)), " ".join(message))) == stands


@law
@given(st.lists(st.tuples(st.text(max_size=30), st.integers(-3, 3)), max_size=10), st.integers(-5, 60))
def test_the_budget_is_kept(entries: list[tuple[str, int]], token_budget: int) -> None:
    book = Lore(
        entries=tuple(entry(constant=True, content=text, priority=priority) for text, priority in entries),
        token_budget=token_budget,
    )
    found = known_lore(book, [], estimate)
    assert not found or estimate("\n".join(found)) <= token_budget
