from typing import get_args

import pytest

from gator.protocol.errors import CLOSES, ERRORS, Close, ErrorCode, Refusal

CLOSED_BY_US = {1002, 1007, 1008, 1009, 1011, 1012, 1013}


@pytest.mark.parametrize("code", get_args(ErrorCode))
def test_every_error_code_has_a_sentence_and_an_http_status_of_failure(code: ErrorCode) -> None:
    row = ERRORS[code]
    assert row.meaning[0].isupper()
    assert row.meaning.endswith(".")
    assert 400 <= row.http_status <= 599


@pytest.mark.parametrize("code", get_args(ErrorCode))
def test_waiting_helps_exactly_where_http_says_so(code: ErrorCode) -> None:
    assert ERRORS[code].temporary == (ERRORS[code].http_status in {429, 503})


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        ERRORS["internal"] = ERRORS["conflict"]  # type: ignore[index]


def test_a_refusal_says_what_its_row_means() -> None:
    refusal = Refusal("last_owner")
    assert refusal.detail == ERRORS["last_owner"].meaning
    assert str(refusal) == f"last_owner: {refusal.detail}"
    assert refusal.retry_after_ms is None


def test_a_refusal_may_say_more_than_its_row() -> None:
    refusal = Refusal("rate_limited", "Slowly.", retry_after_ms=250)
    assert (refusal.code, refusal.detail, refusal.retry_after_ms) == ("rate_limited", "Slowly.", 250)
    assert str(refusal) == "rate_limited: Slowly."


def test_an_empty_detail_is_kept_as_given() -> None:
    assert Refusal("conflict", "").detail == ""


@pytest.mark.parametrize("close", CLOSES, ids=lambda close: close.reason)
def test_every_close_fits_its_frame_and_has_a_registered_or_own_code(close: Close) -> None:
    assert 0 < len(close.reason.encode()) <= 123  # RFC 6455 §5.5 less the two bytes of the code
    assert close.code in CLOSED_BY_US or 4000 <= close.code <= 4999
    assert close.meaning.endswith(".")


def test_no_two_rows_look_the_same_on_the_wire() -> None:
    assert len({(close.code, close.reason) for close in CLOSES}) == len(CLOSES)


@pytest.mark.parametrize("code", sorted({close.code for close in CLOSES}))
def test_the_code_alone_says_whether_to_come_back(code: int) -> None:
    assert len({close.reconnect for close in CLOSES if close.code == code}) == 1
