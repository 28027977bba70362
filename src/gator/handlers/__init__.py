"""One function a command, one file a feature.

A handler that needs to wait is a coroutine function; the connection reads no further
command until it is done. A refusal is raised and becomes an `error` for the sender.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, get_args

from gator.handlers.conversations import create_conversation, join_conversation, leave_conversation
from gator.handlers.heartbeat import heartbeat
from gator.handlers.messages import send_message
from gator.handlers.presence import get_online_status
from gator.handlers.reading import mark_read
from gator.handlers.replies import regenerate_reply, resume_reply, stop_reply
from gator.handlers.services import Services
from gator.handlers.tokens import refresh_token
from gator.handlers.typing import typing_start, typing_stop
from gator.ports import Peer
from gator.protocol import commands
from gator.protocol.commands import Command

# The command's type is the key; the table cannot say that to the type checker.
Handler = Callable[[Services, Peer, Any], Awaitable[None] | None]

HANDLERS: Final[dict[type[Command], Handler]] = {
    commands.JoinConversation: join_conversation,
    commands.LeaveConversation: leave_conversation,
    commands.CreateConversation: create_conversation,
    commands.SendMessage: send_message,
    commands.StopReply: stop_reply,
    commands.RegenerateReply: regenerate_reply,
    commands.ResumeReply: resume_reply,
    commands.TypingStart: typing_start,
    commands.TypingStop: typing_stop,
    commands.GetOnlineStatus: get_online_status,
    commands.MarkRead: mark_read,
    commands.Heartbeat: heartbeat,
    commands.RefreshToken: refresh_token,
}
assert set(HANDLERS) == set(get_args(Command))
