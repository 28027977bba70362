from tests.api.conftest import Office


def samples(office: Office, name: str) -> list[str]:
    return [line for line in office.client.get("/metrics").text.splitlines() if line.startswith(name)]


def test_requests_are_counted_by_their_route_and_never_by_their_address(office: Office) -> None:
    garden = office.alice.creates("bob")
    office.alice.get(f"/conversations/{garden}", token="a-secret")
    office.alice.get("/users/bob")
    found = samples(office, "gator_http_")
    assert not any(garden in line or "bob" in line or "secret" in line for line in found)
    route = "/conversations/{conversation_id}"
    assert f'gator_http_requests_total{{method="GET",route="{route}",status="200"}} 1.0' in found
    assert f'gator_http_seconds_count{{route="{route}"}} 1.0' in found


def test_requests_for_nothing_share_one_name(office: Office) -> None:
    for n in range(3):
        office.client.get(f"/nothing/{n}")
    unknown = 'gator_http_requests_total{method="GET",route="unknown",status="404"} 3.0'
    assert unknown in samples(office, "gator_http_requests")


def test_methods_that_nobody_knows_share_one_name(office: Office) -> None:
    for n in range(3):
        office.client.request(f"X{n}", "/healthz")
    found = samples(office, "gator_http_requests")
    assert not any('method="X' in line for line in found), "a client must not make metrics"


def test_websockets_are_no_requests(office: Office) -> None:
    with office.client.websocket_connect("/ws/alice") as socket:
        socket.receive_json()
    assert not any("/ws" in line for line in samples(office, "gator_http_requests"))
