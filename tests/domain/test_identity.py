from gator.domain.identity import Identity
from gator.protocol.types import UserId


def test_a_user_has_no_rights_and_no_end_unless_the_proof_says_so() -> None:
    ann = Identity(UserId("ann"))
    assert ann.roles == frozenset()
    assert ann.expires_at is None
