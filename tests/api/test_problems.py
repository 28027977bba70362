import pytest
from tests.api.conftest import API, Office, check_problem

from gator.api.problems import problem
from gator.app import MAX_BODY_BYTES
from gator.protocol.errors import ERRORS, ErrorCode, Refusal


@pytest.mark.parametrize("code", ERRORS)
def test_every_code_of_the_socket_has_a_problem(code: ErrorCode) -> None:
    response = problem(Refusal(code))
    assert response.status_code == ERRORS[code].http_status
    assert response.media_type == "application/problem+json"


def test_waiting_is_rounded_up_to_whole_seconds() -> None:
    for retry_after_ms, seconds in ((1, "1"), (1000, "1"), (1001, "2")):
        response = problem(Refusal("rate_limited", retry_after_ms=retry_after_ms))
        assert response.headers["retry-after"] == seconds


@pytest.mark.parametrize("path", ["/nothing", f"{API}/nothing", f"{API}/things/a/b/c", "/ws/alice"])
def test_where_there_is_nothing_there_is_a_problem(office: Office, path: str) -> None:
    check_problem(office.client.get(path), 404, "not_found")


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(office: Office) -> None:
    response = office.client.put(f"{API}/conversations", headers={"X-Gator-User": "alice"})
    check_problem(response, 405, "method_not_allowed")
    allowed = {method.strip() for method in response.headers["allow"].split(",")}
    assert allowed & {"GET", "POST"}


@pytest.mark.parametrize("is_declared", [True, False])
def test_a_body_that_is_too_large_is_a_problem_and_no_failure(office: Office, is_declared: bool) -> None:
    body = b" " * (MAX_BODY_BYTES + 1)
    response = office.client.post(
        f"{API}/conversations",
        content=body if is_declared else iter([body[:-1], body[-1:]]),
        headers={"X-Gator-User": "alice", "Content-Type": "application/json"},
    )
    check_problem(response, 413, "body_too_large")
    assert "gator_errors_total{" not in office.client.get("/metrics").text


def test_a_body_that_just_fits_is_read(office: Office) -> None:
    body = b'{"kind": "group"}'
    response = office.client.post(
        f"{API}/conversations",
        content=body + b" " * (MAX_BODY_BYTES - len(body)),
        headers={"X-Gator-User": "alice", "Content-Type": "application/json"},
    )
    assert response.status_code == 201


def test_what_is_wrong_in_a_body_is_named_and_not_repeated(office: Office) -> None:
    body = {"kind": "group", "member_ids": ["fine", "not\nfine"]}
    detail = check_problem(office.alice.post("/conversations", body), 422, "invalid_command")["detail"]
    assert "member_ids" in detail
    assert "not\nfine" not in detail


def test_a_bug_is_a_problem_without_its_secrets(office: Office) -> None:
    office.client.app.state.house.store.close()
    response = office.alice.get("/conversations")
    problem = check_problem(response, 500, "internal")
    assert problem["detail"] == ERRORS["internal"].meaning
    metrics = office.client.get("/metrics").text
    assert 'gator_errors_total{where="http"} 1.0' in metrics


def test_refusals_are_counted_by_code(office: Office) -> None:
    office.zoe.get("/conversations/never-was")
    office.zoe.post("/conversations", {})
    metrics = office.client.get("/metrics").text
    assert 'gator_refused_total{code="conversation_not_found"} 1.0' in metrics
    assert 'gator_refused_total{code="invalid_command"} 1.0' in metrics
