"""Personas put together: providers, budgets, moderation, and the engine that makes replies."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gator.domain.budget import Ledger
from gator.domain.persona import Persona
from gator.personas.asking import Asking
from gator.personas.budgets import parse_budgets, parse_prices
from gator.personas.directory import Directory
from gator.personas.making import Making
from gator.personas.model_files import ModelError, find_model, has_runtime
from gator.personas.moderation import All, ModerationEndpoint, Moderator
from gator.personas.providers.embedded import Embedded
from gator.personas.providers.openai_compatible import OpenAiCompatible
from gator.personas.providers.scripted import Scripted
from gator.personas.recovery import Recovery
from gator.personas.replies import Replies
from gator.personas.slots import Slots
from gator.personas.summaries import Summaries
from gator.personas.untrusted import with_names
from gator.personas.voices import Voices
from gator.personas.word_list import WordList
from gator.ports import Broker, Clock, Journal, ReplyProvider, Rooms, Store
from gator.protocol.types import PersonaId, UserId, UtcMillis
from gator.settings import Settings, SettingsError
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics

HOLD_BACK_CHARS: Final = 40
"""How much of a reply moderation sees before anybody else does."""

DEFAULT_MODEL: Final = "default"
"""Asked for where nothing else is said; servers with one model take any name."""

FIRST: Final = Persona(
    id=PersonaId("gator"),
    owner_id=UserId(""),
    name="Gator",
    created_at=UtcMillis(0),
    updated_at=UtcMillis(0),
    description="Gator is a friendly alligator who keeps this chat. Gator is curious, kind and brief.",
    greeting="Hello {{user}}! I am Gator. What shall we talk about?",
    visibility="public",
)
"""The persona that an installation begins with. It is nobody's: no user id is empty."""


@dataclass(frozen=True, slots=True)
class PersonaHouse:
    """The parts that others need.

    Attributes:
        ledger: What was spent, for who asks what is left.
        voices: The providers, for who asks how they are.
    """

    replies: Replies
    directory: Directory
    ledger: Ledger
    voices: Voices
    moderation: ModerationEndpoint | None

    async def begin(self, since: UtcMillis, first: Persona | None) -> None:
        """Read what there is, and go on with what another process left behind.

        Args:
            since: Runs asked for since then count against budgets.
            first: The persona to begin with, where it is not there yet.
        """
        await self.replies.start(since)
        if first is not None and self.directory.get(first.id) is None:
            await self.directory.add(first)

    async def close(self) -> None:
        """Break off what is being said, and let go of everything."""
        await self.replies.close()
        if self.moderation is not None:
            await self.moderation.close()


def open_personas(
    settings: Settings,
    *,
    store: Store,
    journal: Journal,
    rooms: Rooms,
    broker: Broker,
    clock: Clock,
    new_id: Callable[[], str],
    metrics: Metrics,
    log: Log,
    providers: list[ReplyProvider] | None = None,
) -> PersonaHouse:
    """Put the engine together; nothing is asked or read yet.

    Args:
        providers: Instead of those of the settings, for tests.

    Raises:
        SettingsError: A budget, a price, a word list or a model cannot be used.
    """
    directory = Directory(store, journal)
    endpoint = _endpoint(settings, clock)
    try:
        ledger = Ledger(parse_budgets(settings.budgets))
        prices = parse_prices(settings.prices)
        moderator = _moderator(settings, endpoint)
    except (ValueError, OSError) as error:
        raise SettingsError([str(error)]) from None
    voices = Voices(
        providers or choose_providers(settings, log),
        falls_back=settings.reply_fallback,
        clock=clock,
        roll=random.random,
    )
    asking = Asking(
        voices=voices,
        journal=journal,
        ledger=ledger,
        prices=prices,
        moderator=moderator,
        hold_back_chars=HOLD_BACK_CHARS,
        context_tokens=settings.reply_context_tokens,
        clock=clock,
        metrics=metrics,
        log=log,
    )
    slots = Slots(voices.slots_of)
    replies = Replies(
        directory=directory,
        voices=voices,
        slots=slots,
        asking=asking,
        making=Making(
            asking,
            store=store,
            max_tokens=settings.reply_max_tokens,
            restarts=settings.reply_restart,
            clock=clock,
            metrics=metrics,
            log=log,
        ),
        summaries=Summaries(
            asking,
            store=store,
            journal=journal,
            max_tokens=settings.reply_max_tokens,
            slot=slots.spare,
            metrics=metrics,
            log=log,
        ),
        recovery=Recovery(
            asking,
            directory=directory,
            store=store,
            journal=journal,
            rooms=rooms,
            clock=clock,
            metrics=metrics,
        ),
        store=store,
        journal=journal,
        rooms=rooms,
        clock=clock,
        new_id=new_id,
        metrics=metrics,
        log=log,
    )
    directory.on_delete = replies.forget_persona
    broker.subscribe(replies.receive)
    return PersonaHouse(replies, directory, ledger, voices, endpoint)


def greeting_of(persona: Persona, user_name: str) -> str:
    """Word what a persona says first to somebody; blank for nothing."""
    return with_names(persona.greeting, char=persona.name, user=user_name).strip()


def choose_providers(settings: Settings, log: Log) -> list[ReplyProvider]:
    """Make the providers that there are, the one that is asked first at the front.

    Raises:
        SettingsError: The one that was named cannot be.
    """
    wanted = settings.reply_provider
    offered: dict[str, ReplyProvider] = {}
    if settings.openai_base_url is not None or settings.openai_api_key is not None:
        offered["openai-compatible"] = _openai(settings)
    if wanted in ("auto", "embedded") and not (wanted == "auto" and offered):
        embedded = _embedded(settings, log, is_wanted=wanted == "embedded")
        if embedded is not None:
            offered["embedded"] = embedded
    offered["scripted"] = Scripted()
    if wanted == "auto":
        wanted_first = next(iter(offered))
    elif wanted in offered:
        wanted_first = wanted
    else:
        raise SettingsError(
            [f"GATOR_REPLY_PROVIDER={wanted} needs GATOR_OPENAI_BASE_URL or GATOR_OPENAI_API_KEY."]
        )
    log.info("reply_provider", name=wanted_first)
    return [offered.pop(wanted_first), *offered.values()]


def _openai(settings: Settings) -> OpenAiCompatible:
    key = settings.openai_api_key
    return OpenAiCompatible(
        settings.openai_base_url or "https://api.openai.com/v1",
        "" if key is None else key.get_secret_value(),
        settings.openai_model or DEFAULT_MODEL,
        slots=settings.openai_slots,
        first_token_s=settings.first_token_s,
        between_chunks_s=settings.between_chunks_s,
        total_s=settings.reply_s,
    )


def _embedded(settings: Settings, log: Log, *, is_wanted: bool) -> Embedded | None:
    try:
        model = find_model(settings.embedded_model)
    except ModelError as error:
        raise SettingsError([str(error)]) from None
    if model is not None and has_runtime():
        return Embedded(
            model,
            slots=settings.embedded_slots,
            between_chunks_s=settings.between_chunks_s,
            total_s=settings.reply_s,
            log=log,
        )
    if is_wanted:
        raise SettingsError(["GATOR_REPLY_PROVIDER=embedded needs a model: run `gator models install`."])
    return None


def _endpoint(settings: Settings, clock: Clock) -> ModerationEndpoint | None:
    if settings.moderation_base_url is None:
        return None
    key = settings.moderation_api_key
    return ModerationEndpoint(
        settings.moderation_base_url,
        None if key is None else key.get_secret_value(),
        clock=clock,
        fail_open=settings.moderation_fail_open,
    )


def _moderator(settings: Settings, endpoint: ModerationEndpoint | None) -> Moderator | None:
    moderators: list[Moderator] = []
    if settings.moderation_words is not None:
        moderators.append(WordList.read(settings.moderation_words))
    if endpoint is not None:
        moderators.append(endpoint)
    return All(moderators) if moderators else None
