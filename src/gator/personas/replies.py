"""Replies of personas: asked for, queued, made, stopped, resumed.

message and run in one transaction -> queue -> turn -> prompt -> provider -> deltas to the
conversation -> message and end of the run in one transaction
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from gator.domain.conversation import Conversation, check_rank, role_of
from gator.domain.persona import Persona
from gator.domain.reply import LIVE, PostReply, Run, RunRequest, RunState, Usage
from gator.domain.scheduling import RETRY_AFTER_MS, QueueFull, Ticket, Turns
from gator.personas.asking import Asking
from gator.personas.directory import Directory, mentioned
from gator.personas.live_run import LiveRun
from gator.personas.making import Making, Outcome, Rejected, Told
from gator.personas.recovery import Recovery
from gator.personas.slots import Slots
from gator.personas.summaries import Summaries
from gator.personas.telling import Telling
from gator.personas.voices import Voices
from gator.ports import Clock, Journal, Peer, Published, Rooms, RunAsked, RunEnded, RunMoved, Store
from gator.protocol.errors import Refusal
from gator.protocol.events import (
    ConversationDeleted,
    NewMessage,
    Reply,
    ReplyFailure,
    ReplyRefusal,
    ReplyStatus,
    ResetReason,
    Sender,
)
from gator.protocol.types import ConversationId, MessageId, PersonaId, RunId, Seq, UserId, UtcMillis
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics

MAX_HOPS: Final = 2
"""Personas that may answer one another after a person has spoken."""

MAX_QUIET: Final = 4
"""Messages of personas in a row after which none of them asks another one."""

PAGE: Final = 200


class Replies:
    """See the port `Personas`.

    Queue: runs that wait, see `Turns`; one more is rejected as `queue_full` or
    `overloaded`, and the message that asked for it is stored all the same.
    """

    def __init__(
        self,
        *,
        directory: Directory,
        voices: Voices,
        slots: Slots,
        asking: Asking,
        making: Making,
        summaries: Summaries,
        recovery: Recovery,
        store: Store,
        journal: Journal,
        rooms: Rooms,
        clock: Clock,
        new_id: Callable[[], str],
        metrics: Metrics,
        log: Log,
    ) -> None:
        self.directory = directory
        self._voices = voices
        self._slots = slots
        self._asking = asking
        self._making = making
        self._summaries = summaries
        self._recovery = recovery
        self._store = store
        self._journal = journal
        self._rooms = rooms
        self._clock = clock
        self._new_id = new_id
        self._metrics = metrics
        self._log = log
        self._turns = Turns()
        self._asked: set[RunId] = set()
        """Replies asked for anew that are being written down: readable, but not queued yet."""
        self._waiting: dict[RunId, tuple[Run, Ticket]] = {}
        self._live: dict[RunId, LiveRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._telling = Telling(rooms, clock)
        self._told = Told(started=self._started, typing=self._typing, reset=self._reset)
        self._closing = False
        slots.on_free = self._pump

    # Asking

    def asked(
        self, by: UserId, conversation: Conversation | None, content: str, persona_id: PersonaId | None
    ) -> tuple[RunRequest, ...]:
        """See `Personas.asked`."""
        if conversation is None:
            return ()
        if persona_id is not None:
            named = self.directory.get(persona_id)
            candidates = [] if named is None else [named]
        else:
            candidates = self._addressed(conversation, content)
        return tuple(self._request(persona, by, hops=0) for persona in candidates if persona.may_be_asked_by(by))

    def _addressed(self, conversation: Conversation, content: str) -> list[Persona]:
        if conversation.kind == "direct":
            return self.directory.among(conversation.members)
        if conversation.large or "@" not in content:
            return []
        return mentioned(content, self.directory.among(conversation.members))

    def _request(self, persona: Persona, by: UserId, *, hops: int, attempt: int = 1) -> RunRequest:
        return RunRequest(
            id=RunId(self._new_id()),
            persona_id=persona.id,
            requested_by=by,
            message_id=MessageId(self._new_id()),
            attempt=attempt,
            hops=hops,
        )

    def queue(self, message: NewMessage, requests: Sequence[RunRequest]) -> None:
        """See `Personas.queue`."""
        # Whoever reads hears of the message before they hear of its reply.
        asyncio.get_running_loop().call_soon(self._queue_all, message, requests)

    def _queue_all(self, message: NewMessage, requests: Sequence[RunRequest]) -> None:
        for request in requests:
            self._queue(
                Run(
                    id=request.id,
                    conversation_id=message.conversation_id,
                    answers=message.message.id,
                    answers_seq=message.seq,
                    persona_id=request.persona_id,
                    requested_by=request.requested_by,
                    message_id=request.message_id,
                    attempt=request.attempt,
                    hops=request.hops,
                    state="queued",
                    queued_at=self._clock.now(),
                )
            )
        self._pump()

    def _queue(self, run: Run, *, is_bounded: bool = True) -> None:
        persona = self.directory.get(run.persona_id)
        if persona is None:
            self._reject(run, Rejected("persona_not_found"))
            return
        provider = self._voices.first_of(persona).name
        ticket = Ticket(run.id, run.conversation_id, run.persona_id, run.requested_by, provider)
        self._supersede(run)
        try:
            position = self._turns.add(ticket, is_bounded=is_bounded)
        except QueueFull as full:
            code: ReplyRefusal = "queue_full" if full.of_conversation else "overloaded"
            self._reject(run, Rejected(code, retry_after_ms=RETRY_AFTER_MS))
            return
        self._waiting[run.id] = run, ticket
        self._metrics.replies_waiting.set(len(self._waiting))
        self._tell_queued(run, position)

    def _supersede(self, newer: Run) -> None:
        """Have one reply answer all that somebody said before it began."""
        if newer.attempt > 1 or newer.hops:
            return
        for _, ticket in self._turns.waiting_in(newer.conversation_id):
            run, _ = self._waiting[ticket.run_id]
            if _same_asker(run, newer):
                self._give_up(run, ticket, by=None)
                self._move_up(newer.conversation_id)
        running = self._turns.running_in(newer.conversation_id)
        live = None if running is None else self._live.get(running.run_id)
        if live is not None and live.length == 0 and _same_asker(live.run, newer):
            live.stop(None)

    # Turns

    def _pump(self) -> None:
        while not self._closing and (ticket := self._turns.take(self._slots.is_free)) is not None:
            run, _ = self._waiting.pop(ticket.run_id)
            self._slots.take(ticket.provider)
            persona = self.directory.get(run.persona_id)
            assert persona is not None, "a persona that is deleted takes its runs along"
            live = LiveRun(
                run, ticket, persona, clock=self._clock, tell=self._telling.delta, write_down=self._checkpoint
            )
            self._live[run.id] = live
            self._metrics.reply_wait_seconds.observe((self._clock.now() - run.queued_at) / 1000)
            task = asyncio.get_running_loop().create_task(self._make(live))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._metrics.replies_waiting.set(len(self._waiting))
        self._metrics.replies_live.set(len(self._live))

    # Making

    async def _make(self, live: LiveRun) -> None:
        live.speaking = asyncio.get_running_loop().create_task(self._speak(live))
        if live.is_stopping or self._closing:  # between its turn and this moment
            live.speaking.cancel()
        outcome = Outcome("complete")
        try:
            outcome = await live.speaking
        except asyncio.CancelledError:
            outcome = Outcome("stopped")
        except Exception as error:
            self._metrics.errors.labels("reply").inc()
            self._log.error("reply_failed", run=live.run.id, exc_info=error)
            outcome = Outcome("failed", code="internal")
        try:
            if self._closing and outcome.status == "stopped" and not live.is_stopping:
                self._checkpoint(live)  # the next process takes it from there
            else:
                await self._finish(live, outcome)
        except Exception as error:
            self._metrics.errors.labels("reply").inc()
            self._log.error("reply_unfinished", run=live.run.id, exc_info=error)
        finally:
            self._let_go(live, outcome)

    def _let_go(self, live: LiveRun, outcome: Outcome) -> None:
        live.rest()
        del self._live[live.run.id]
        self._slots.give_back(live.ticket.provider)
        self._turns.done(live.ticket)
        if self._closing:  # every connection is closed by now
            return
        self._telling.activity(live, "idle")
        self._pump()
        self._move_up(live.run.conversation_id)
        if outcome.status == "complete":
            self._summaries.begin(live.run, live.persona, outcome.told_from)

    async def _speak(self, live: LiveRun) -> Outcome:
        self._telling.activity(live, "thinking")
        return await self._making.make(live, self._told)

    def _started(self, live: LiveRun) -> None:
        live.has_started = True
        self._checkpoint(live)
        self._telling.all(live.run.conversation_id, self._telling.started(live))

    def _typing(self, live: LiveRun) -> None:
        self._telling.activity(live, "typing")

    def _reset(self, live: LiveRun, reason: ResetReason) -> None:
        self._telling.all(live.run.conversation_id, self._telling.reset(live, reason))
        if reason == "fallback":
            self._telling.activity(live, "thinking")

    def _checkpoint(self, live: LiveRun) -> None:
        self._journal.remember(
            RunMoved(live.run.id, live.epoch, live.text, self._clock.now(), live.provider, live.model)
        )

    # Ending

    async def _finish(self, live: LiveRun, outcome: Outcome) -> None:
        live.tell_now()
        if outcome.rejected is not None:
            self._reject(live.run, outcome.rejected)
            return
        text = live.text
        status = outcome.status
        code = outcome.code
        if status in ("complete", "truncated") and not text.strip():
            status, code = "failed", "empty"
        if not text.strip():
            await self._end(live.run, _state_without_text(status), code, outcome)
            self._tell_end(live, status, code, None)
            return
        posted = PostReply(
            conversation_id=live.run.conversation_id,
            run_id=live.run.id,
            persona_id=live.run.persona_id,
            sender=Sender(name=live.persona.name, avatar=live.persona.avatar),
            content=text,
            message_id=live.run.message_id,
            reply=Reply(
                run_id=live.run.id,
                answers=live.run.answers,
                attempt=live.run.attempt,
                status=status,
                model=live.model,
            ),
            usage=outcome.usage,
            cost_micros=outcome.cost_micros,
            code=code,
            follow_ups=await self._follow_ups(live, text) if status == "complete" else (),
        )
        try:
            committed = await self._journal.commit(posted)
        except Refusal as refusal:
            await self._lose(live, refusal, outcome)
            return
        self._tell_end(live, status, code, live.run.message_id)
        if posted.follow_ups and isinstance(committed.event, NewMessage):
            self.queue(committed.event, posted.follow_ups)

    async def _lose(self, live: LiveRun, refusal: Refusal, outcome: Outcome) -> None:
        """End a run whose message was refused."""
        if refusal.code == "conflict":  # it had ended before
            return
        if refusal.code == "conversation_not_found":
            await self._end(live.run, "stopped", None, outcome)
            self._tell_end(live, "stopped", None, None)
            return
        # The run stays open with its text, which becomes a message when the next process starts.
        self._checkpoint(live)
        self._log.error("reply_not_kept", run=live.run.id, reason=refusal.code)
        self._tell_end(live, "failed", "internal", None)

    async def _end(self, run: Run, state: RunState, code: str | None, outcome: Outcome | None = None) -> None:
        usage = Usage() if outcome is None else outcome.usage
        cost = 0 if outcome is None else outcome.cost_micros
        with suppress(Refusal):  # the disk is full or the journal closing: recovery ends it
            await self._journal.write_down(RunEnded(run.id, state, self._clock.now(), code, usage, cost))

    async def _follow_ups(self, live: LiveRun, text: str) -> tuple[RunRequest, ...]:
        hops = live.run.hops + 1
        conversation = self._rooms.held(live.run.conversation_id)
        if hops > MAX_HOPS or conversation is None or conversation.kind == "direct":
            return ()
        by = live.run.requested_by
        others = (each for each in self._addressed(conversation, text) if each.id != live.persona.id)
        asked = next((each for each in others if each.may_be_asked_by(by)), None)
        if asked is None or await self._is_time_for_quiet(conversation.id):
            return ()
        return (self._request(asked, by, hops=hops),)

    async def _is_time_for_quiet(self, conversation_id: ConversationId) -> bool:
        """Tell whether with one more message personas will have spoken `MAX_QUIET` times in a row."""
        latest = await self._store.messages(conversation_id, limit=MAX_QUIET - 1)
        return len(latest) == MAX_QUIET - 1 and all(message.is_ai for message in latest)

    def _give_up(self, run: Run, ticket: Ticket, *, by: UserId | None) -> None:
        """End a run that was not begun."""
        self._turns.remove(ticket)
        self._waiting.pop(run.id, None)
        self._journal.remember(RunEnded(run.id, "stopped", self._clock.now()))
        self._tell_given_up(run, by)

    def _tell_given_up(self, run: Run, by: UserId | None) -> None:
        self._metrics.replies.labels("stopped").inc()
        self._telling.all(run.conversation_id, self._telling.stopped(run, by, None))

    def _reject(self, run: Run, rejected: Rejected) -> None:
        self._journal.remember(RunEnded(run.id, "rejected", self._clock.now(), rejected.code))
        self._metrics.replies.labels("rejected").inc()
        self._metrics.replies_rejected.labels(rejected.code).inc()
        self._telling.all(run.conversation_id, self._telling.rejected(run, rejected))

    # What people say about replies

    async def stop(self, peer: Peer, run_id: RunId) -> None:
        """See `Personas.stop`."""
        run = await self._found(peer, run_id, may_write=True)
        by = peer.identity.user_id
        live = self._live.get(run_id)
        if live is not None:
            live.stop(by)
        elif run_id in self._waiting:
            waiting, ticket = self._waiting[run_id]
            self._turns.remove(ticket)
            del self._waiting[run_id]
            # Who is told that it is over is not to see it made after a crash.
            await self._end(waiting, "stopped", None)
            self._tell_given_up(waiting, by)
            self._pump()
            self._move_up(run.conversation_id)

    async def regenerate(self, peer: Peer, message_id: MessageId) -> RunId:
        """See `Personas.regenerate`."""
        before = await self._store.run_of_message(message_id)
        if before is None:
            raise Refusal("run_not_found")
        await self._check_member(peer, before.conversation_id, may_write=True)
        persona = self.directory.get(before.persona_id)
        if persona is None or not persona.may_be_asked_by(peer.identity.user_id):
            raise Refusal("persona_not_found")
        live = self._live.get(before.id)
        if live is not None:
            live.stop(peer.identity.user_id)
        elif before.id in self._waiting or before.id in self._asked:
            raise Refusal("conflict", "This reply waits for its turn already.")
        request = self._request(persona, peer.identity.user_id, hops=0, attempt=before.attempt + 1)
        run = Run(
            id=request.id,
            conversation_id=before.conversation_id,
            answers=before.answers,
            answers_seq=before.answers_seq,
            persona_id=before.persona_id,
            requested_by=request.requested_by,
            message_id=request.message_id,
            attempt=request.attempt,
            hops=0,
            state="queued",
            queued_at=self._clock.now(),
        )
        self._asked.add(run.id)
        try:
            await self._journal.write_down(RunAsked(run))
            self._queue(run)
        finally:
            self._asked.discard(run.id)
        self._pump()
        return run.id

    async def resume(self, peer: Peer, run_id: RunId, epoch: int, offset: int, reply_to: str | None) -> None:
        """See `Personas.resume`."""
        run = await self._found(peer, run_id, may_write=False)
        live = self._live.get(run_id)
        if live is not None:
            known = min(offset, live.length) if epoch == live.epoch else 0
            peer.send(msgspec.structs.replace(live.delta(known), reply_to=reply_to))
        elif run_id in self._waiting:
            for position, ticket in self._turns.waiting_in(run.conversation_id):
                if ticket.run_id == run_id:
                    peer.send(self._telling.queued(run, position))
        else:
            await self._send_end(peer, run)

    def catch_up(self, peer: Peer, conversation_id: ConversationId) -> None:
        """See `Personas.catch_up`."""
        for live in self._live.values():
            if live.run.conversation_id == conversation_id and live.has_started:
                peer.send(self._telling.started(live))
                if live.length:
                    peer.send(live.delta(0))
        for position, ticket in self._turns.waiting_in(conversation_id):
            peer.send(self._telling.queued(self._waiting[ticket.run_id][0], position))

    async def _found(self, peer: Peer, run_id: RunId, *, may_write: bool) -> Run:
        live = self._live.get(run_id)
        waiting = self._waiting.get(run_id)
        if live is not None:
            run: Run | None = live.run
        elif waiting is not None:
            run = waiting[0]
        else:
            run = await self._store.run(run_id)
        if run is None:
            raise Refusal("run_not_found")
        await self._check_member(peer, run.conversation_id, may_write=may_write)
        return run

    async def _check_member(self, peer: Peer, conversation_id: ConversationId, *, may_write: bool) -> None:
        conversation = await self._rooms.conversation(conversation_id)
        try:
            role = role_of(conversation, peer.identity.user_id)
        except Refusal:
            raise Refusal("run_not_found") from None
        if may_write:
            check_rank(role, "member")

    async def _send_end(self, peer: Peer, run: Run) -> None:
        if run.state in LIVE:  # its end is about to be written down, and told
            return
        after = run.answers_seq
        while page := await self._store.messages(run.conversation_id, after=after, limit=PAGE):
            for message in page:
                if message.id == run.message_id:
                    peer.send(
                        NewMessage(
                            conversation_id=run.conversation_id,
                            seq=message.seq,
                            timestamp=message.timestamp,
                            message=message,
                        )
                    )
                    return
            after = Seq(page[-1].seq)
        peer.send(self._telling.ended(run))

    # The life of the process

    async def start(self, since: UtcMillis) -> None:
        """Read what there is, and end or go on with what another process left behind.

        See `Recovery`.

        Args:
            since: Runs asked for since then count against budgets.
        """
        await self.directory.load()
        silent = await self._recovery.recover()
        self._asking.load(await self._store.runs_since(since))
        for run in silent:
            self._queue(run, is_bounded=False)
        self._pump()

    async def close(self) -> None:
        """Break off what is being made, so that the next process finds it. Idempotent."""
        self._closing = True
        for live in self._live.values():
            if live.speaking is not None:
                live.speaking.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._summaries.close()
        await self._voices.close()

    def receive(self, published: Published) -> None:
        """Take a committed event from the broker: with a conversation its runs end."""
        if isinstance(published.event, ConversationDeleted):
            gone = published.event.conversation_id
            self._break_off(lambda run: run.conversation_id == gone)
            self._summaries.forget(gone)

    def forget_persona(self, persona_id: PersonaId) -> None:
        """End the runs of a persona that is deleted."""
        self._break_off(lambda run: run.persona_id == persona_id)

    def _break_off(self, concerns: Callable[[Run], bool]) -> None:
        for run, ticket in list(self._waiting.values()):
            if concerns(run):
                self._give_up(run, ticket, by=None)
                self._move_up(run.conversation_id)
        for live in self._live.values():
            if concerns(live.run):
                live.stop(None)
        self._pump()

    def _tell_queued(self, run: Run, position: int) -> None:
        self._telling.all(run.conversation_id, self._telling.queued(run, position))

    def _move_up(self, conversation_id: ConversationId) -> None:
        for position, ticket in self._turns.waiting_in(conversation_id):
            self._tell_queued(self._waiting[ticket.run_id][0], position)

    def _tell_end(
        self, live: LiveRun, status: ReplyStatus, code: ReplyFailure | None, message_id: MessageId | None
    ) -> None:
        run = live.run
        self._metrics.replies.labels(status).inc()
        if status == "stopped":
            self._telling.all(run.conversation_id, self._telling.stopped(run, live.stopped_by, message_id))
        elif status == "failed":
            self._telling.all(run.conversation_id, self._telling.failed(run, code or "internal", message_id))


def _same_asker(run: Run, newer: Run) -> bool:
    return (
        run.persona_id == newer.persona_id
        and run.requested_by == newer.requested_by
        and run.attempt == 1
        and not run.hops
    )


def _state_without_text(status: str) -> RunState:
    return "stopped" if status == "stopped" else "failed"
