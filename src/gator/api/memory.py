"""/conversations/{id}/memory: what its personas remember of it."""

from fastapi import APIRouter

from gator.api.context import ApiContext, Asker, Context
from gator.api.ids_in_paths import CONVERSATION
from gator.api.models import MemoryBody, MemoryOut
from gator.domain.conversation import check_rank, role_of
from gator.domain.identity import Identity
from gator.domain.memory import Memory, check_memory
from gator.ports import MemorySaved
from gator.protocol.types import ConversationId, Role

router = APIRouter(prefix=f"/conversations/{CONVERSATION}/memory", tags=["personas"])


@router.get("")
async def read_memory(conversation_id: str, asker: Asker, api: Context) -> MemoryOut:
    """Read what the personas of a conversation remember of it. Its members may."""
    await _role(api, conversation_id, asker)
    return _memory_out(await _remembered(api, conversation_id))


@router.put("")
async def change_memory(conversation_id: str, body: MemoryBody, asker: Asker, api: Context) -> MemoryOut:
    """Put other words into the summary, and pin what is never to be forgotten.

    The role `member` may. What has already been summed up is not summed up again.
    """
    check_rank(await _role(api, conversation_id, asker), "member")
    told = (await _remembered(api, conversation_id)).summary_seq
    memory = Memory(summary=body.summary, summary_seq=told, pins=tuple(body.pins))
    check_memory(memory)
    await api.services.journal.write_down(MemorySaved(ConversationId(conversation_id), memory))
    return _memory_out(memory)


async def _role(api: ApiContext, conversation_id: str, asker: Identity) -> Role:
    return role_of(await api.services.rooms.conversation(ConversationId(conversation_id)), asker.user_id)


async def _remembered(api: ApiContext, conversation_id: str) -> Memory:
    return await api.services.store.memory(ConversationId(conversation_id)) or Memory()


def _memory_out(memory: Memory) -> MemoryOut:
    return MemoryOut(summary=memory.summary, summary_seq=memory.summary_seq, pins=list(memory.pins))
