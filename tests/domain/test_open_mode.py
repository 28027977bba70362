"""In open mode a user is whoever the address names."""

import pytest
from tests.auth.issuer import refused

from gator.domain.identity import Identity
from gator.domain.open_mode import open_identity
from gator.protocol.types import UserId


@pytest.mark.parametrize("user_id", ["test-user", "a" * 128, "名前"])
def test_the_address_names_the_user(user_id: str) -> None:
    assert open_identity(user_id) == Identity(UserId(user_id))


@pytest.mark.parametrize("user_id", ["", "a" * 129, "a\x00b", "a\nb", "\ud83d"])
def test_an_address_without_a_user_id_is_refused(user_id: str) -> None:
    with refused("1 to 128 characters", code="not_authenticated"):
        open_identity(user_id)
