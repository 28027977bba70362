import re

import pytest
from prometheus_client import Metric
from tests.api.conftest import Office, Open, check_problem

from gator.storage.sqlite import FILE_NAME, connect
from gator.telemetry.metrics import Metrics


def test_a_process_that_lives_says_so(office: Office) -> None:
    response = office.client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_a_server_that_takes_clients_is_ready(office: Office) -> None:
    response = office.client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_a_server_that_drains_lives_and_is_not_ready(office: Office) -> None:
    office.client.app.state.house.floor.admission.draining = True
    response = office.client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"status": "draining"})
    assert office.client.get("/healthz").status_code == 200


def test_a_server_whose_database_does_not_answer_is_not_ready(office: Office) -> None:
    house = office.client.app.state.house
    other = connect(house.settings.data / FILE_NAME)
    other.execute("DROP TABLE meta")
    other.close()
    response = office.client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"status": "unavailable"})


def families() -> list[Metric]:
    return list(Metrics().registry.collect())


def test_every_metric_is_shown_with_its_help(office: Office) -> None:
    text = office.client.get("/metrics").text
    for family in families():
        assert re.search(rf"^# HELP {family.name}(_total)? \S.+\.$", text, re.MULTILINE), family.name
        assert re.search(rf"^# TYPE {family.name}(_total)? {family.type}$", text, re.MULTILINE), family.name


def test_metrics_are_text_for_prometheus(office: Office) -> None:
    response = office.client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert "gator_connections 0.0" in response.text


def test_metrics_count_what_happens(office: Office) -> None:
    with office.client.websocket_connect("/ws/alice") as socket:
        socket.receive_json()
        text = office.client.get("/metrics").text
    assert "gator_connections 1.0" in text
    assert "gator_users_online 1.0" in text
    assert "gator_connections_opened_total 1.0" in text


def test_metrics_can_be_kept_to_oneself(open_office: Open) -> None:
    check_problem(open_office(metrics=False).client.get("/metrics"), 404, "not_found")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_who_watches_needs_no_token(strict: Office, path: str) -> None:
    assert strict.client.get(path).status_code == 200
