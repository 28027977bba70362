"""What every `Identities` promises."""

from abc import ABC, abstractmethod
from typing import Any

import pytest

from gator.domain.identity import Identity
from gator.ports import Identities
from gator.protocol.errors import Refusal
from gator.protocol.types import UserId, UtcMillis


class IdentitiesContract(ABC):
    """The suite. Moments are seconds from now."""

    @pytest.fixture
    @abstractmethod
    def identities(self) -> Identities:
        """Make what is to be tested."""

    @abstractmethod
    def token(self, **claims: Any) -> str:
        """Issue a good token for `sub="alice"` that ends in an hour, unless the claims say otherwise."""

    @abstractmethod
    def foreign_token(self) -> str:
        """Issue the same token with a key that is not trusted."""

    @abstractmethod
    def in_seconds(self, seconds: int) -> int:
        """Name a moment as tokens do."""

    async def test_a_good_token_names_its_user(self, identities: Identities) -> None:
        ends = self.in_seconds(60)
        token = self.token(sub="alice", name="Alice", picture="https://x.example/a.png", roles=["admin"], exp=ends)
        identity = Identity(
            UserId("alice"),
            name="Alice",
            avatar="https://x.example/a.png",
            roles=frozenset({"admin"}),
            expires_at=UtcMillis(ends * 1000),
        )
        assert await identities.identify(token) == identity
        assert identities.identify_now(token) == identity

    async def test_a_plain_token_names_the_user_and_no_more(self, identities: Identities) -> None:
        identity = await identities.identify(self.token(sub="bob"))
        assert (identity.user_id, identity.name, identity.avatar, identity.roles) == (
            "bob",
            None,
            None,
            frozenset(),
        )

    @pytest.mark.parametrize("bad", ["", "x", "a.b.c", "ą.ć.ę", "." * 100, "\x00"])
    async def test_what_is_no_token_is_refused(self, identities: Identities, bad: str) -> None:
        await self._refused(identities, bad)

    async def test_a_token_of_a_stranger_is_refused(self, identities: Identities) -> None:
        await self._refused(identities, self.foreign_token())

    async def test_a_token_that_was_changed_is_refused(self, identities: Identities) -> None:
        head, claims, signature = self.token().split(".")
        await self._refused(identities, f"{head}.{claims}.{signature[:-4]}")
        _, others, _ = self.token(sub="bob").split(".")
        await self._refused(identities, f"{head}.{others}.{signature}")

    @pytest.mark.parametrize(("claim", "seconds"), [("exp", -3600), ("nbf", 3600)])
    async def test_a_token_is_good_for_its_time_only(
        self, identities: Identities, claim: str, seconds: int
    ) -> None:
        await self._refused(identities, self.token(**{claim: self.in_seconds(seconds)}))

    @pytest.mark.parametrize("sub", [None, "", "x" * 129, "a\nb", 7])
    async def test_a_token_that_names_nobody_is_refused(self, identities: Identities, sub: object) -> None:
        await self._refused(identities, self.token(sub=sub))

    async def _refused(self, identities: Identities, token: str) -> None:
        with pytest.raises(Refusal) as later:
            await identities.identify(token)
        with pytest.raises(Refusal) as now:
            identities.identify_now(token)
        assert later.value.code == now.value.code == "invalid_token"
        for refusal in (later.value, now.value):
            assert len(token) < 10 or token not in str(refusal)
