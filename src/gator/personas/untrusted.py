"""Text of strangers on its way into a prompt: no control tokens, no borrowed names.

Cards, lore, memories, names and messages are stored as they came, and made harmless here
each time a prompt is built. It contains an injection, it does not detect one: whatever a
text talks the model into, it cannot end its own turn or begin another one.
"""

import re
from collections.abc import Iterable
from typing import Final

MAX_NAME_CHARS: Final = 40
"""Longest name in a prompt, in code points."""

_LINE_ENDS: Final = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")

# Zero-width signs, directions and tag characters can hide a token from the eye and from a list of tokens.
# The joiners U+200C and U+200D stay: Persian and emoji are made with them.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)

# In this order: `<|im_start|>` and its kind (ChatML, Llama 3, Phi, Command R, gpt-oss; DeepSeek's with wide bars),
# `<s>` and its kind (Llama 2, Gemma, Qwen, T5, GLM), `<<SYS>>`, `[INST]` and its kind (Llama 2, Mistral, BERT).
_CONTROL_TOKEN: Final = re.compile(
    r"[<＜][|｜][^<>＜＞|｜\s]{1,64}[|｜][>＞]"
    r"|[<＜]/?(?:s|bos|eos|pad|unk|mask|sop|eop|eod|eot|eoh|eoa|think|tool_call|tool_response|tools?"
    r"|(?:start|end)_of_(?:turn|image|text)|unused[0-9]{1,4}|extra_id_[0-9]{1,4})[>＞]"
    r"|<</?SYS>>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|ARGS|CALL_ID|THINK"
    r"|IMG|IMG_BREAK|IMG_END|PREFIX|MIDDLE|SUFFIX|gMASK|sMASK|MASK|CLS|SEP|PAD|UNK|BOS|EOS)\]",
    re.IGNORECASE,
)

_NOT_IN_A_NAME: Final = re.compile(r"[\s:：<>＜＞\[\]{}|｜#*\"`]+")
_PLACEHOLDER: Final = re.compile(r"\{\{(char|user|original)\}\}|<(char|bot|user)>", re.IGNORECASE)
_ROLES: Final = frozenset({"system", "assistant", "developer", "tool"})


def harmless(text: str) -> str:
    """Take out what a chat template could read as its own, and what nobody can see.

    A token becomes a space, which no token has within it: so what stood around it
    cannot close up to another one, however deep they are nested. Linear in the text,
    and never longer than it.
    """
    text = _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))
    return _CONTROL_TOKEN.sub(" ", text)


def speaker_name(name: str | None, otherwise: str = "User") -> str:
    """Make a name that can stand before a colon, on one line."""
    words = _NOT_IN_A_NAME.sub(" ", harmless(name or ""))
    return words.strip()[:MAX_NAME_CHARS].strip() or otherwise


def apart(name: str, taken: Iterable[str]) -> str:
    """Give a name a number if somebody else has it, or if it is that of a role."""
    others = {*map(str.casefold, taken), *_ROLES}
    number, unique = 1, name
    while unique.casefold() in others:
        number += 1
        unique = f"{name} {number}"
    return unique


def with_names(text: str, *, char: str, user: str) -> str:
    """Put names where a card says `{{char}}` and `{{user}}`, in any case, or `<BOT>` and `<USER>`.

    Once: placeholders in the names stay as they are. `{{original}}`, for which other
    programs put their own rules, is left out: the platform's stand before the card anyway.
    """
    names = {"char": char, "bot": char, "user": user, "original": ""}
    return _PLACEHOLDER.sub(lambda found: names[(found[1] or found[2]).lower()], text)
