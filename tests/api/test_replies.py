from datetime import datetime

from tests.api.conftest import Office, Open
from tests.api.test_conversations import TIME

from gator.protocol.types import PersonaId, UserId


def test_who_has_no_limits_is_told_so(office: Office) -> None:
    assert office.alice.get("/personas/budget").json() == {"limits": []}


def test_one_is_told_of_one_s_own_limits_and_of_nobody_else_s(open_office: Open) -> None:
    office = open_office(budgets="user/day/tokens=1000 user/month/currency=0.50 persona/day/messages=3")
    house = office.client.app.state.house
    house.personas.ledger.reserve(UserId("bob"), PersonaId("nia"), 300, 100_000, house.services.clock.now())
    limits = office.bob.get("/personas/budget").json()["limits"]
    resets = [limit.pop("resets_at") for limit in limits]
    assert limits == [
        {"scope": "user", "window": "day", "measure": "tokens", "limit": 1000, "left": 700},
        {"scope": "user", "window": "month", "measure": "currency", "limit": 500_000, "left": 400_000},
    ]
    assert all(TIME.fullmatch(at) and datetime.fromisoformat(at).hour == 0 for at in resets)
    assert [limit["left"] for limit in office.alice.get("/personas/budget").json()["limits"]] == [1000, 500_000]
