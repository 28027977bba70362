"""What personas are about to say, are saying, and failed to say. No I/O, no clock."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatchmethod
from itertools import count
from typing import Final

from gator.cli.chat.effects import AskPersonas, Effect, Send, Show
from gator.cli.chat.lines import Line, Note, Said, failed, rejected, signed, stopped
from gator.cli.chat.roster import Roster
from gator.protocol.commands import RegenerateReply, ResumeReply, StopReply
from gator.protocol.events import (
    Message,
    PersonaState,
    ReplyDelta,
    ReplyFailed,
    ReplyQueued,
    ReplyRejected,
    ReplyReset,
    ReplyStarted,
    ReplyStopped,
    RunAccepted,
)
from gator.protocol.types import MessageId, PersonaId, RunId

REMEMBERED: Final = 64
"""Runs of which it is remembered that they ended."""

_OfRun = ReplyQueued | ReplyStarted | ReplyDelta | ReplyReset


@dataclass(slots=True)
class _Run:
    """A reply that has not ended, as far as it is known.

    Attributes:
        position: How many are before it; None when its turn has come.
        is_asking: What is missing was asked for.
    """

    run_id: RunId
    persona_id: PersonaId
    at: str
    answers: MessageId | None = None
    message_id: MessageId | None = None
    position: int | None = None
    attempt: int = 1
    epoch: int = 0
    text: str = ""
    is_asking: bool = False

    @property
    def has_begun(self) -> bool:
        """True when it has a message to become."""
        return self.message_id is not None

    def begin(self, epoch: int) -> None:
        """Forget what was said in an older epoch."""
        if epoch > self.epoch:
            self.epoch = epoch
            self.text = ""
            self.is_asking = False


class Replies:
    """The replies of one conversation, from the question to the message or what went wrong.

    A delta is appended where the text ends, its overlap is dropped, and what is missing
    before it is asked for; so that what is told twice is shown once.
    """

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._runs: dict[RunId, _Run] = {}
        self._over: deque[str] = deque(maxlen=REMEMBERED)
        """Runs that ended, and the messages that they answered."""
        self._unnamed: set[PersonaId] = set()
        """Personas whose names were asked for."""
        self._redo: MessageId | None = None
        """What `/again` is about: the newest reply, or the message whose reply failed."""
        self._numbers = count(1)
        self._agains: set[str] = set()
        """Ids of commands that will be answered with a run."""
        self._owed: dict[str, str] = {}
        """What the user asked for: by the id of the command, the message or the run."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """What to show of replies while they are made; it changes with every frame."""
        return tuple(self._line(run) for run in self._runs.values())

    def _line(self, run: _Run) -> Line:
        name = self._name(run.persona_id, run.attempt)
        if run.text:
            return Said(at=run.at, name=name, text=run.text)
        if not run.position:
            word = "is thinking ..." if run.position is None else "replies next"
        else:
            word = f"replies after {run.position} other{'s' if run.position > 1 else ''}"
        return Note(f"{name} {word}", at=run.at)

    def _name(self, persona_id: PersonaId, attempt: int = 1) -> str:
        return signed(self._roster.name_of(persona_id), attempt=attempt)

    # What the user asked for

    @property
    def are_owed(self) -> bool:
        """True while a reply that the user asked for has not ended."""
        return bool(self._owed or self._agains)

    def owe(self, command_id: str, message_id: MessageId) -> None:
        """A message that asks is stored: a reply to it will come."""
        if message_id not in self._over:
            self._owed[command_id] = message_id

    def beat(self) -> None:
        """A while has passed. What was asked for and is not known by now will not come."""
        known = {key for run in self._runs.values() for key in (run.run_id, run.answers)}
        self._owed = {command_id: key for command_id, key in self._owed.items() if key in known}

    def stop(self) -> list[Effect]:
        """Stop the reply that is being made, or else the first that waits."""
        run = next(iter(sorted(self._runs.values(), key=lambda run: not run.has_begun)), None)
        if run is None:
            return [Show(Note("There is no reply to stop."))]
        return [Send(StopReply(id=f"stop-{next(self._numbers)}", run_id=run.run_id))]

    def again(self) -> list[Effect]:
        """Have the reply that is being made made anew, or the newest one."""
        begun = (run.message_id for run in self._runs.values() if run.has_begun)
        message_id = next(begun, self._redo)
        if message_id is None:
            return [Show(Note("There is no reply here to be made anew."))]
        command_id = f"again-{next(self._numbers)}"
        self._agains.add(command_id)
        return [Send(RegenerateReply(id=command_id, message_id=message_id))]

    def accepted(self, event: RunAccepted) -> None:
        """The server will make a reply anew."""
        if event.reply_to in self._agains:
            self._agains.remove(event.reply_to)
            if event.run_id not in self._over:
                self._owed[event.reply_to] = event.run_id

    def refused(self, command_id: str | None, *, for_good: bool) -> bool:
        """A command was refused. Tells whether it was one that the user knows nothing of."""
        if command_id is None:
            return False
        self._agains.discard(command_id)
        self._owed.pop(command_id, None)
        asked_for = self._runs.get(RunId(command_id))
        if asked_for is not None:
            asked_for.is_asking = False
            if for_good:
                self.end(asked_for.run_id)
        return asked_for is not None

    # What becomes of the connection

    def lost(self) -> None:
        """The connection ended, and what was asked on it will not be answered."""
        self._agains.clear()
        for run in self._runs.values():
            run.is_asking = False

    def resume(self) -> list[Effect]:
        """Ask what became of replies whose end may have been missed."""
        return self._ask_for(self._runs.values())

    def _ask_for(self, runs: Iterable[_Run]) -> list[Effect]:
        effects: list[Effect] = []
        for run in runs:
            run.is_asking = True
            # The command has the name of the run: a refusal tells that it is gone.
            effects.append(
                Send(ResumeReply(id=run.run_id, run_id=run.run_id, epoch=run.epoch, offset=len(run.text)))
            )
        return effects

    # What the server says

    @singledispatchmethod
    def receive(self, _event: object) -> list[Effect]:
        """Take an event in. Those without a method below have no meaning here."""
        return []

    @receive.register
    def _(self, event: ReplyQueued) -> list[Effect]:
        run = self._run(event)
        if run is None:
            return []
        run.answers = event.answers
        run.is_asking = False
        if not run.has_begun:
            run.position = event.position
        return self._ask_name(event.persona_id)

    @receive.register
    def _(self, event: PersonaState) -> list[Effect]:
        its = [run for run in self._runs.values() if run.persona_id == event.persona_id]
        waiting = [run for run in its if not run.has_begun]
        if event.state == "thinking" and waiting:
            waiting[0].position = None
        if event.state == "idle":
            # Its end was told before; who was too slow for that asks.
            return self._ask_for(run for run in its if run.has_begun)
        return []

    @receive.register
    def _(self, event: ReplyStarted) -> list[Effect]:
        run = self._run(event)
        if run is None:
            return []
        run.begin(event.epoch)
        run.answers, run.message_id, run.attempt = event.answers, event.message_id, event.attempt
        run.position = None
        return self._ask_name(event.persona_id)

    @receive.register
    def _(self, event: ReplyDelta) -> list[Effect]:
        run = self._run(event)
        if run is None or event.epoch < run.epoch:
            return []
        run.begin(event.epoch)
        run.message_id, run.position = event.message_id, None
        have = len(run.text)
        if event.offset > have:
            return [] if run.is_asking else self._ask_for([run])
        run.is_asking = False
        run.text += event.text[have - event.offset :]
        return []

    @receive.register
    def _(self, event: ReplyReset) -> list[Effect]:
        run = self._run(event)
        if run is not None:
            run.begin(event.epoch)
        return []

    @receive.register
    def _(self, event: ReplyStopped) -> list[Effect]:
        return self._ended(event, stopped(event, self._name(event.persona_id)))

    @receive.register
    def _(self, event: ReplyFailed) -> list[Effect]:
        return self._ended(event, failed(event, self._name(event.persona_id)))

    @receive.register
    def _(self, event: ReplyRejected) -> list[Effect]:
        return self._ended(event, rejected(event, self._name(event.persona_id)))

    def said(self, message: Message) -> list[Effect]:
        """A message was shown, now or before: the one that a reply became, or any other."""
        if message.is_ai and message.sender.name is not None:
            self._roster.learn(PersonaId(message.sender_id), message.sender.name)
        reply = message.reply
        if reply is None:
            return []
        was_followed = reply.run_id in self._runs
        self.end(reply.run_id, reply.answers)
        self._redo = message.id
        if reply.status != "interrupted" or not was_followed:
            return []
        return [Show(Note("The server was interrupted in this reply. /again has it made anew."))]

    def end(self, run_id: RunId, answers: MessageId | None = None) -> None:
        """A reply has come to its end."""
        run = self._runs.pop(run_id, None)
        keys = {run_id, answers, None if run is None else run.answers} - {None}
        self._over.extend(key for key in keys if key is not None)
        self._owed = {command_id: key for command_id, key in self._owed.items() if key not in keys}

    def _ended(self, event: ReplyStopped | ReplyFailed | ReplyRejected, line: Line) -> list[Effect]:
        message_id = None if isinstance(event, ReplyRejected) else event.message_id
        self._redo = message_id or event.answers
        self.end(event.run_id, event.answers)
        return [Show(line)]

    def _run(self, event: _OfRun) -> _Run | None:
        """Find the run of an event, or begin to follow it; None if it is over."""
        if event.run_id in self._over:
            return None
        return self._runs.setdefault(event.run_id, _Run(event.run_id, event.persona_id, event.timestamp))

    def _ask_name(self, persona_id: PersonaId) -> list[Effect]:
        if self._roster.knows(persona_id) or persona_id in self._unnamed:
            return []
        self._unnamed.add(persona_id)
        return [AskPersonas()]
