"""refresh_token."""

from gator.handlers.services import Services
from gator.ports import Peer, UserSeen
from gator.protocol.commands import RefreshToken
from gator.protocol.errors import Refusal
from gator.protocol.events import TokenRefreshed
from gator.protocol.times import rfc3339


async def refresh_token(services: Services, peer: Peer, command: RefreshToken) -> None:
    """Let the connection live on under a fresh token of the same user.

    Raises:
        Refusal: `invalid_token`.
    """
    if services.identities is None:
        raise Refusal("invalid_token", "This server does not use tokens.")
    identity = await services.identities.identify(command.token)
    if identity.user_id != peer.identity.user_id:
        raise Refusal("invalid_token", "The token is another user's.")
    peer.renew(identity)
    # A new name is shown in history as it is live.
    services.journal.remember(UserSeen(identity, services.clock.now()))
    peer.send(
        TokenRefreshed(
            expires_at=None if identity.expires_at is None else rfc3339(identity.expires_at),
            reply_to=command.id,
            timestamp=services.timestamp(),
        )
    )
