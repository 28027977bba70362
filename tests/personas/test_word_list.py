"""Words are found however they are spelled, and only as whole words."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gator.personas.moderation import ALLOWED, Verdict
from gator.personas.word_list import MAX_FILE_BYTES, WordList

law: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

WORDS: Final = WordList(["swine", "idiot", "ass", "Blödmann", "scum*", "笨蛋", "गधा", "바보", "88"])


@pytest.mark.parametrize(
    "text",
    [
        "swine",
        "You SWINE!",
        "(swine), he said",
        "what a 'swine'",
        "pearls/swine/pearls",
        "hello!swine?",
        "sw1ne",
        "$w1n3",
        "5w|ne!!",
        "!d!0t",
        "id10t",
        "@$$",
        "a$$!!",
        "s w i n e",
        "you are a s w i n e to me",
        "s-w.i*n e",
        "s_w_i_n_e",
        "$ w 1 n e",
        "swiiiiine",
        "asssss",
        "swîñe",
        "s\u0336w\u0336i\u0336n\u0336e",
        "sw\u200bi\u00adne",
        "ｓｗｉｎｅ",
        "𝖘𝖜𝖎𝖓𝖊",
        "ⓢⓦⓘⓝⓔ",
        "ѕwіnе",  # Cyrillic s, i and e
        "aѕѕ",
        "blodmann",
        "BLÖDMANN",
        "scum",
        "scumbags",
        "sc0mbag scvm scum88",
        "你是笨蛋吗",
        "वह गधा है",
        "바보",
        "88",
        "swine\x00",
        "s\x01wine",
    ],
)
def test_a_word_is_found(text: str) -> None:
    assert WORDS.finds(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Scunthorpe, class, assess, bass, grass",
        "swineherd and antiswine",
        "as sure as can be",
        "c l a s s",
        "the A55 passes 455 houses",
        "a s\ns h i p",
        "s    w    i    n    e",
        "mascum",
        "गधाई नहीं",
        "바보같은",
        "the 1988 model",
        "!!! $$$ @@@ 111",
    ],
)
def test_what_only_looks_like_a_word_is_none(text: str) -> None:
    assert not WORDS.finds(text)


async def test_a_verdict_does_not_say_the_word() -> None:
    assert await WORDS.check("swine") == Verdict("blocked", ("words",), "word list")
    assert await WORDS.check("flower") is ALLOWED


def test_a_word_may_be_written_in_any_way_in_the_list() -> None:
    assert WordList(["SWÎNE"]).finds("swine")
    assert WordList(["Straße"]).finds("STRASSE")


@pytest.mark.parametrize("word", ["", "*", "kill yourself", "a$$", "sw*ne", "mother-in-law", "\u200b"])
def test_what_is_no_word_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="is not a word of letters and digits"):
        WordList([word])


def test_an_empty_list_finds_nothing() -> None:
    assert not WordList([]).finds("swine")


# Files


def test_a_file_has_a_word_a_line_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("\ufeff# farm\r\nswine\r\n\r\n  scum*  \n#goose\n".encode())
    words = WordList.read(path)
    assert [words.finds(text) for text in ("swine", "scumbag", "farm", "goose")] == [True, True, False, False]


def test_a_file_with_a_line_that_is_no_word_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("swine\nkill yourself\n")
    with pytest.raises(ValueError, match="'kill yourself'"):
        WordList.read(path)


def test_a_file_that_is_too_long_or_not_text_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    with pytest.raises(FileNotFoundError):
        WordList.read(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="utf-8"):
        WordList.read(path)
    path.write_bytes(b"a\n" * (MAX_FILE_BYTES // 2) + b"b")
    with pytest.raises(ValueError, match=f"longer than {MAX_FILE_BYTES} bytes"):
        WordList.read(path)


# Laws


@law
@given(st.text())
def test_any_text_can_be_judged(text: str) -> None:
    WORDS.finds(text)


@law
@given(
    st.sampled_from(["swine", "$w1ne", "s w i n e", "ѕwinе", "idiot", "笨蛋"]),
    st.text("xyz ,.", max_size=20).map(lambda text: f"{text} "),
    st.text("xyz ,.", max_size=20).map(lambda text: f"  yy {text}"),
)
def test_words_around_it_hide_no_word(word: str, before: str, after: str) -> None:
    assert WORDS.finds(before + " xx " + word + after)
