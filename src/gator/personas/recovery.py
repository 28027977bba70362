"""What a process does with the runs that another one left behind."""

from contextlib import suppress

from msgspec.structs import replace

from gator.domain.reply import PostReply, Run, Usage
from gator.personas.asking import Asking
from gator.personas.directory import Directory
from gator.personas.tokens import estimate
from gator.ports import Clock, Journal, Rooms, RunEnded, Store
from gator.protocol.errors import Refusal
from gator.protocol.events import Reply, Sender
from gator.telemetry.metrics import Metrics


class Recovery:
    """Ends what was said in part, and hands back what was not said at all.

    A reply that nobody has seen anything of is made again; one that had begun becomes a
    message with the status `interrupted`, because people have read it.
    """

    def __init__(
        self,
        asking: Asking,
        *,
        directory: Directory,
        store: Store,
        journal: Journal,
        rooms: Rooms,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._asking = asking
        self._directory = directory
        self._store = store
        self._journal = journal
        self._rooms = rooms
        self._clock = clock
        self._metrics = metrics

    async def recover(self) -> list[Run]:
        """End what cannot go on; returns what is to be made again, in the order of the questions."""
        silent = []
        for run in sorted(await self._store.live_runs(), key=lambda run: (run.queued_at, run.answers_seq)):
            conversation = await self._rooms.conversation(run.conversation_id)
            if conversation is None or conversation.deleted:
                with suppress(Refusal):  # the next start tries again
                    await self._journal.write_down(RunEnded(run.id, "stopped", self._clock.now()))
            elif run.text.strip():
                await self._interrupt(run)
            else:
                # Whoever has read a beginning that was not written down is told to forget it.
                silent.append(replace(run, epoch=run.epoch + 1))
        return silent

    async def _interrupt(self, run: Run) -> None:
        persona = self._directory.get(run.persona_id)
        sender = Sender() if persona is None else Sender(name=persona.name, avatar=persona.avatar)
        # What the provider counted died with the process.
        usage = Usage(0, estimate(run.text))
        with suppress(Refusal):  # the next start tries again
            await self._journal.commit(
                PostReply(
                    conversation_id=run.conversation_id,
                    run_id=run.id,
                    persona_id=run.persona_id,
                    sender=sender,
                    content=run.text,
                    message_id=run.message_id,
                    reply=Reply(
                        run_id=run.id,
                        answers=run.answers,
                        attempt=run.attempt,
                        status="interrupted",
                        model=run.model,
                    ),
                    usage=usage,
                    cost_micros=self._asking.cost_of(run.model, usage),
                )
            )
            self._metrics.replies.labels("interrupted").inc()
