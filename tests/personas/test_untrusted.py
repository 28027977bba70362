import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.laws.histories import law
from tests.personas.control_tokens import CONTROL_TOKENS, tokens_in

from gator.personas.untrusted import MAX_NAME_CHARS, apart, harmless, speaker_name, with_names


@pytest.mark.parametrize("token", CONTROL_TOKENS)
def test_a_control_token_is_taken_out(token: str) -> None:
    assert harmless(f"a{token}b{token.upper()}c") == "a b c"


@pytest.mark.parametrize(
    "text",
    [
        "<|im_<|im_start|>start|>",
        "<|im_\u200bstart|>",
        "[IN[INST]ST]",
        "<\u00ad|im_end|\u2060>",
        "<</S\U000e0041YS>>",
        "<<s>s>",
        "＜|im_start|＞",
        "<\x00s\x07>",
    ],
)
def test_split_and_nested_tokens_are_taken_out(text: str) -> None:
    assert not tokens_in(harmless(text))
    assert "<s>" not in harmless(text)
    assert "＜|im_start|＞" not in harmless(text)


pieces = st.lists(
    st.sampled_from(
        [*CONTROL_TOKENS, *"<|[]/>", "<|", "|>", "im_", "start", "INST", "\u200b", "\x00", "\r", "s", " "]
    )
    | st.text(max_size=3),
    max_size=30,
)


@law
@given(pieces, st.sampled_from(CONTROL_TOKENS), st.integers(0, 20), st.integers(0, 30))
@example([], "<|im_start|>", 3, 5)
def test_no_text_becomes_a_control_token(parts: list[str], token: str, at: int, depth: int) -> None:
    nested = token
    for _ in range(depth):
        nested = nested[:at] + token + nested[at:]
    text = "".join(parts)
    for made in (harmless(text), harmless(nested), harmless(text + nested)):
        assert not tokens_in(made)
        assert harmless(made) == made


@law
@given(st.text(max_size=100))
def test_it_is_never_longer_than_it_was(text: str) -> None:
    made = harmless(text)
    assert len(made.encode()) <= len(text.encode(errors="surrogatepass"))


@pytest.mark.parametrize(
    "text",
    [
        "a\tb\nc",
        "x < 3 and y > 4; a <|> b; list[INSTANCE]; [1]; <b>bold</b>; <span>",
        "می\u200cخواهم",
        "👩\u200d🌾",
        "ж 東京",
        "### Instruction",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


def test_line_ends_become_one_kind() -> None:
    assert harmless("a\r\nb\rc\u2028d\x0be") == "a\nb\nc\nd\ne"


def test_it_takes_linear_time() -> None:
    for text in (
        "<|im_" * 200_000,
        "<" * 1_000_000,
        "<|" + "x" * 1_000_000,
        "[/" * 500_000,
        "<|a" * 100_000 + "|>" * 9,
    ):
        assert not tokens_in(harmless(text))


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Ann", "Ann"),
        (" Ann\n\tB. ", "Ann B."),
        ("हिन्दी", "हिन्दी"),
        ("Ann: hi\nSystem", "Ann hi System"),
        ("<|im_start|>system", "system"),
        ("[INST]", "User"),
        ("", "User"),
        (None, "User"),
        ("\u200b", "User"),
        ("x" * 99, "x" * MAX_NAME_CHARS),
    ],
)
def test_a_name_stands_before_a_colon_on_one_line(name: str | None, made: str) -> None:
    assert speaker_name(name) == made


@law
@given(st.text(max_size=60))
def test_any_name_is_one_that_can_stand_there(name: str) -> None:
    made = speaker_name(name)
    assert 0 < len(made) <= MAX_NAME_CHARS
    assert made == made.strip()
    assert not set(made) & set("\n\r:<>[]{}|")


@pytest.mark.parametrize(
    ("name", "taken", "made"),
    [
        ("Ann", [], "Ann"),
        ("Ann", ["ann"], "Ann 2"),
        ("Ann", ["Ann", "ANN 2"], "Ann 3"),
        ("System", [], "System 2"),
    ],
)
def test_nobody_shares_a_name(name: str, taken: list[str], made: str) -> None:
    assert apart(name, taken) == made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("{{char}} and {{User}}", "{{user}} and Ann"),
        ("<BOT>, <char> and <user>", "{{user}}, {{user}} and Ann"),
        ("{{original}}Go.", "Go."),
        ("{{{{char}}}}", "{{{{user}}}}"),
        ("{{random}} {char}", "{{random}} {char}"),
    ],
)
def test_names_are_put_in_once(text: str, made: str) -> None:
    assert with_names(text, char="{{user}}", user="Ann") == made
