"""stop_reply, regenerate_reply, resume_reply."""

from gator.handlers.services import Services
from gator.ports import Peer
from gator.protocol.commands import RegenerateReply, ResumeReply, StopReply
from gator.protocol.events import RunAccepted


async def stop_reply(services: Services, peer: Peer, command: StopReply) -> None:
    """End a reply; everybody in its conversation is told.

    Raises:
        Refusal: `run_not_found`.
    """
    await services.personas.stop(peer, command.run_id)
    peer.send(RunAccepted(run_id=command.run_id, reply_to=command.id, timestamp=services.timestamp()))


async def regenerate_reply(services: Services, peer: Peer, command: RegenerateReply) -> None:
    """Have a reply made anew beside the old one.

    Raises:
        Refusal: `run_not_found`, `forbidden`, `conflict`, `overloaded`.
    """
    run_id = await services.personas.regenerate(peer, command.message_id)
    peer.send(RunAccepted(run_id=run_id, reply_to=command.id, timestamp=services.timestamp()))


async def resume_reply(services: Services, peer: Peer, command: ResumeReply) -> None:
    """Send what a client lacks of a reply.

    Raises:
        Refusal: `run_not_found`.
    """
    await services.personas.resume(peer, command.run_id, command.epoch, command.offset, command.id)
