"""Every proof of identity that there is: by shared secret, and by a published key."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from tests.auth.issuer import SECRET, key
from tests.contract.identities import IdentitiesContract
from tests.support.clock import NOON, FakeClock

from gator.auth.claims import TokenRules
from gator.auth.jwks import Jwks
from gator.auth.key_sources import FileSource
from gator.auth.tokens import JwtIdentities
from gator.ports import Identities


class _JwtContract(IdentitiesContract):
    def in_seconds(self, seconds: int) -> int:
        return NOON // 1000 + seconds

    def claims(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"sub": "alice", "exp": self.in_seconds(3600)} | given


class TestSharedSecret(_JwtContract):
    @pytest.fixture
    def identities(self) -> Identities:
        return JwtIdentities(FakeClock(), TokenRules(), secret=SECRET)

    def token(self, **claims: Any) -> str:
        return jwt.encode(self.claims(claims), SECRET, "HS256")

    def foreign_token(self) -> str:
        return jwt.encode(self.claims({}), SECRET[::-1], "HS256")


class TestPublishedKey(_JwtContract):
    @pytest.fixture
    async def identities(self, tmp_path: Path) -> Identities:
        file = tmp_path / "jwks.json"
        file.write_text(json.dumps({"keys": [key("EdDSA").jwk()]}))
        clock = FakeClock()
        jwks = Jwks(FileSource(file), clock, on_failure=pytest.fail)
        identities = JwtIdentities(clock, TokenRules(), jwks=jwks)
        await identities.identify(self.token())  # reads the keys, so that nothing has to be waited for
        return identities

    def token(self, **claims: Any) -> str:
        return key("EdDSA").sign(self.claims(claims))

    def foreign_token(self) -> str:
        return key("EdDSA", 2).named(key("EdDSA").kid).sign(self.claims({}))
