"""Claims are believed only in their time, from their issuer, for this audience."""

import json
from typing import Any

import pytest
from tests.auth.issuer import CLAIMS, NOW_S, refused

from gator.auth.claims import (
    MAX_NAME_LENGTH,
    MAX_PICTURE_LENGTH,
    TokenRules,
    check_audience,
    check_issuer,
    check_times,
    identity_from,
)
from gator.domain.identity import Identity
from gator.protocol.types import UserId, UtcMillis

NOW = UtcMillis(NOW_S * 1000)
LEEWAY_S = 30


def read(**claims: object) -> Identity:
    return identity_from({**CLAIMS, **claims}, TokenRules(), NOW)


def test_the_claims_become_an_identity() -> None:
    identity = read(
        iss="https://issuer.example",
        iat=NOW_S,
        nbf=NOW_S,
        name="Alice",
        picture="https://cdn.example/a.png",
        roles=["admin"],
        unknown={"a": 1},
    )
    assert identity == Identity(
        UserId("alice"),
        "Alice",
        "https://cdn.example/a.png",
        frozenset({"admin"}),
        UtcMillis((NOW_S + 3600) * 1000),
    )


def test_optional_claims_may_be_missing() -> None:
    assert read() == Identity(UserId("alice"), expires_at=UtcMillis((NOW_S + 3600) * 1000))


# --- when ---


@pytest.mark.parametrize(
    ("claim", "accepted", "refused_at", "because"),
    [
        ("exp", NOW_S - LEEWAY_S + 1, NOW_S - LEEWAY_S, "expired 30 s ago"),
        ("nbf", NOW_S + LEEWAY_S, NOW_S + LEEWAY_S + 1, "valid only in 31 s"),
        ("iat", NOW_S + LEEWAY_S, NOW_S + LEEWAY_S + 1, "issued 31 s in the future"),
    ],
)
def test_a_date_may_be_off_by_the_leeway_and_no_more(
    claim: str, accepted: int, refused_at: int, because: str
) -> None:
    check_times({claim: accepted}, LEEWAY_S, NOW)
    with refused(because):
        check_times({claim: refused_at}, LEEWAY_S, NOW)


@pytest.mark.parametrize(("claim", "date"), [("exp", NOW_S + 1), ("nbf", NOW_S), ("iat", NOW_S)])
def test_without_leeway_dates_hold_to_the_millisecond(claim: str, date: int) -> None:
    on_time = UtcMillis(NOW + 999) if claim == "exp" else NOW
    too = UtcMillis(NOW + 1000) if claim == "exp" else UtcMillis(NOW - 1)
    check_times({claim: date}, 0, on_time)
    with refused("The token"):
        check_times({claim: date}, 0, too)


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("date", ["1750000000", True, [], {}, "soon"])
def test_a_date_is_a_number(claim: str, date: object) -> None:
    with refused(f"`{claim}` is not a number"):
        check_times({claim: date}, LEEWAY_S, NOW)


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("date", [-1, 10**400, 1e300, NOW, json.loads("NaN"), json.loads("Infinity")])
def test_a_date_is_in_seconds(claim: str, date: float) -> None:
    with refused(f"`{claim}` is not in seconds"):
        check_times({claim: date}, LEEWAY_S, NOW)


def test_a_token_must_say_when_it_ends() -> None:
    for claims in ({"sub": "alice"}, {"sub": "alice", "exp": None}):
        with refused("has no `exp`"):
            identity_from(claims, TokenRules(), NOW)


def test_a_token_without_end_is_accepted_where_the_rules_say_so() -> None:
    rules = TokenRules(expiry_required=False)
    assert identity_from({"sub": "alice"}, rules, NOW).expires_at is None
    assert identity_from(CLAIMS, rules, NOW).expires_at == (NOW_S + 3600) * 1000


def test_an_identity_ends_when_the_token_does_and_without_leeway() -> None:
    assert read(exp=NOW_S - 1).expires_at == NOW - 1000
    assert read(exp=NOW_S + 0.5).expires_at == NOW + 500


# --- from whom, for whom ---


@pytest.mark.parametrize("issuer", [None, "", "https://issuer.example/", ["https://issuer.example"], 7])
def test_another_issuer_is_refused(issuer: object) -> None:
    with refused("`iss` is not 'https://issuer.example'"):
        check_issuer({"iss": issuer}, "https://issuer.example")


@pytest.mark.parametrize(("claims", "issuer"), [({"iss": "a"}, "a"), ({"iss": "a"}, None), ({}, None)])
def test_the_issuer_asked_for_is_accepted(claims: dict[str, object], issuer: str | None) -> None:
    check_issuer(claims, issuer)


@pytest.mark.parametrize("audience", [None, "", "other", [], ["other", 7], {"chat": 1}, ["chatter"], [["chat"]]])
def test_another_audience_is_refused(audience: object) -> None:
    with refused("`aud` does not name 'chat'"):
        check_audience({"aud": audience}, "chat")


@pytest.mark.parametrize("audience", ["chat", ["chat"], ["other", "chat"]])
def test_a_token_for_this_audience_is_accepted(audience: object) -> None:
    check_audience({"aud": audience}, "chat")


@pytest.mark.parametrize("audience", ["chat", ["chat"], ""])
def test_a_token_for_somebody_is_refused_by_a_server_without_a_name(audience: object) -> None:
    with refused("no audience configured"):
        check_audience({"aud": audience}, None)


def test_a_token_for_nobody_in_particular_is_accepted_by_a_server_without_a_name() -> None:
    check_audience({}, None)


@pytest.mark.parametrize("rules", [TokenRules(issuer="a"), TokenRules(audience="a")])
def test_the_rules_are_obeyed(rules: TokenRules) -> None:
    with refused("'a'"):
        identity_from(CLAIMS, rules, NOW)
    assert identity_from({**CLAIMS, "iss": "a", "aud": "a"}, TokenRules("a", "a"), NOW).user_id == "alice"


def test_the_leeway_of_the_rules_is_obeyed() -> None:
    claims = {**CLAIMS, "exp": NOW_S - 60}
    assert identity_from(claims, TokenRules(leeway_s=61), NOW).user_id == "alice"
    with refused("expired 60 s ago"):
        identity_from(claims, TokenRules(leeway_s=60), NOW)


# --- who ---


@pytest.mark.parametrize("subject", [None, "", 7, True, ["alice"], "a" * 129, "a\x00", "a\nb", "\x7f", "\ud800"])
def test_a_token_that_names_no_user_is_refused(subject: object) -> None:
    with refused("`sub` is not 1 to 128 characters"):
        read(sub=subject)


@pytest.mark.parametrize("subject", ["a", "a" * 128, "auth0|42", "名前"])
def test_a_user_is_named_by_any_plain_text(subject: str) -> None:
    assert read(sub=subject).user_id == subject


@pytest.mark.parametrize("name", [None, 7, "", "  ", "a" * (MAX_NAME_LENGTH + 1), "a\x00b", "\udc00", ["Alice"]])
def test_a_bad_name_is_dropped(name: object) -> None:
    assert read(name=name).name is None


@pytest.mark.parametrize("name", ["Alice", " Alice ", "a" * MAX_NAME_LENGTH])
def test_a_name_is_kept(name: str) -> None:
    assert read(name=name).name == name.strip()


@pytest.mark.parametrize(
    "picture",
    [
        None,
        7,
        "",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:image/png;base64,AAAA",
        "//cdn.example/a.png",
        "/a.png",
        "a.png",
        "http://",
        "https:///a.png",
        "ftp://cdn.example/a.png",
        "https://[broken/a.png",
        "https://cdn.example/a b.png",
        "https://cdn.example/\ta.png",
        "https://cdn.example/\u2028a.png",
        "https://cdn.example/" + "a" * MAX_PICTURE_LENGTH,
    ],
)
def test_a_picture_that_is_not_on_the_web_is_dropped(picture: object) -> None:
    assert read(picture=picture).avatar is None


@pytest.mark.parametrize("picture", ["https://cdn.example/a.png?s=1#x", "HTTP://cdn.example", "http://[::1]:80/a"])
def test_a_picture_on_the_web_is_kept(picture: str) -> None:
    assert read(picture=picture).avatar == picture


@pytest.mark.parametrize(
    ("roles", "kept"),
    [
        (["admin", "support"], {"admin", "support"}),
        ("admin support", {"admin", "support"}),
        (" admin  ", {"admin"}),
        (["admin", 7, None, "", "a" * 129, "a\x00", ["owner"], {}], {"admin"}),
        ([], set()),
        ("", set()),
        (None, set()),
        (7, set()),
        ({"admin": True}, set()),
    ],
)
def test_roles_are_words_and_what_is_none_is_dropped(roles: Any, kept: set[str]) -> None:
    assert read(roles=roles).roles == kept
