"""The embedded model: real sidecars, fed, killed and left alone."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio import TaskGroup
from pathlib import Path

import msgspec
import pytest
from tests.personas.embedded.asking import ask, busy_slots, ends, first_words, get, of_process, prompt, sidecar
from tests.personas.embedded.conftest import Embed
from tests.support.byte_model import BYTES, END, write_byte_model

from gator.personas.providers.embedded import Embedded
from gator.ports import Prompt, ProviderError, ReplyProvider, Said, Turn

FREE_WITHIN_S = 1.0
PATIENCE_S = 20
ENDLESS = 3_000

# Hears the first piece of a long reply, says which process makes it, and hangs.
PARENT = """
import asyncio, sys
from pathlib import Path
from gator.personas.providers.embedded import Embedded
from gator.ports import Prompt, Turn

async def main():
    provider = Embedded(Path(sys.argv[1]), context_tokens=4096)
    async with provider.reply(Prompt(turns=(Turn("user", "Hello!"),), max_tokens=3000)) as pieces:
        await anext(pieces)
        print(provider.sidecar.process.pid, flush=True)
        sys.stdin.read()

asyncio.run(main())
"""


async def test_it_says_what_the_model_says_and_how_much_that_was(embed: Embed, byte_model: Path) -> None:
    provider: ReplyProvider = embed(byte_model)
    answer = await ask(provider, prompt(max_tokens=50))
    assert (provider.name, provider.slots, provider.context_tokens) == ("embedded", 2, 1024)
    assert answer.text.isascii()
    assert len(answer.text) == 50
    assert answer.end.truncated
    assert answer.end.usage is not None
    assert answer.end.usage.completion_tokens == 50
    # A name: clients see it, and the path of the file is nobody's business.
    assert answer.end.model == "bytes"
    assert await ask(provider, prompt(max_tokens=50)) == answer


async def test_it_ends_by_itself_and_its_bytes_need_be_no_text(embed: Embed, tmp_path: Path) -> None:
    provider = embed(write_byte_model(tmp_path / "any.gguf", {*BYTES[-16:], END}))
    answer = await ask(provider, msgspec.structs.replace(prompt(max_tokens=1000), temperature=None))
    assert not answer.end.truncated
    assert answer.text.encode().decode() == answer.text


async def test_many_replies_share_a_few_slots(embed: Embed, byte_model: Path) -> None:
    provider = embed(byte_model, slots=4)
    async with TaskGroup() as group:
        asked = [group.create_task(ask(provider, prompt(f"I am {i}.", max_tokens=80))) for i in range(32)]
    assert [len(task.result().text) for task in asked] == [80] * 32
    assert await busy_slots(provider) == 0


async def test_a_sidecar_that_is_killed_breaks_its_replies_off_and_another_takes_over(
    embed: Embed, byte_model: Path
) -> None:
    provider = embed(byte_model, context_tokens=4096)
    async with provider.reply(prompt(max_tokens=ENDLESS)) as pieces:
        assert isinstance(await anext(pieces), Said)
        first = sidecar(provider)
        first.process.kill()
        with pytest.raises(ProviderError) as broken:
            async for _ in pieces:
                pass
    assert (broken.value.code, broken.value.retryable) == ("provider_broke_off", True)
    assert len((await ask(provider, prompt())).text) == 40
    second = sidecar(provider)
    assert (second.process.pid, second.api_key) != (first.process.pid, first.api_key)


async def test_a_sidecar_that_hangs_is_ended_and_another_takes_over(embed: Embed, byte_model: Path) -> None:
    provider = embed(byte_model, pulse_s=0.2)
    async with asyncio.timeout(PATIENCE_S):
        async with provider.reply(prompt(max_tokens=ENDLESS)) as pieces:
            await anext(pieces)
            hung = sidecar(provider)
            os.kill(hung.process.pid, signal.SIGSTOP)
            with pytest.raises(ProviderError, match="provider_broke_off"):
                async for _ in pieces:
                    pass
        await hung.gone.wait()
        assert (await ask(provider, prompt(max_tokens=5))).text
    assert sidecar(provider).process.pid != hung.process.pid


async def test_a_sidecar_that_is_busy_is_not_taken_for_hung(embed: Embed, byte_model: Path) -> None:
    provider = embed(byte_model, context_tokens=4096, pulse_s=1.0)
    async with asyncio.timeout(PATIENCE_S):
        answers = await asyncio.gather(*(ask(provider, prompt(max_tokens=2000)) for _ in range(6)))
    assert {len(answer.text) for answer in answers} == {2000}


async def test_one_that_falls_again_and_again_is_left_alone_for_a_while(embed: Embed, byte_model: Path) -> None:
    provider = embed(byte_model, back_off_s=(0.0, 0.01), cool_down_s=1.0)
    for _ in range(3):
        await provider.start()
        fallen = sidecar(provider).process
        fallen.kill()
        await until_unserved(provider)
    with pytest.raises(ProviderError) as resting:
        await ask(provider, prompt())
    assert (resting.value.code, resting.value.retryable) == ("provider_unreachable", True)
    assert resting.value.detail == "the embedded model: was ended by signal 9"
    assert resting.value.retry_after_s is not None
    assert 0 < resting.value.retry_after_s <= 1
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                answer = await ask(provider, prompt())
                break
            except ProviderError:
                await asyncio.sleep(0)
    assert len(answer.text) == 40


async def until_unserved(provider: Embedded) -> None:
    """Wait until a provider knows that its sidecar is dead."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if provider.sidecar is None:
                return
            await asyncio.sleep(0)


async def test_leaving_a_reply_frees_its_slot(embed: Embed, byte_model: Path) -> None:
    provider = embed(byte_model, context_tokens=4096, slots=1, niceness=0)
    await first_words(provider, prompt(max_tokens=ENDLESS))
    await until_idle(provider)
    speaking = asyncio.create_task(ask(provider, prompt(max_tokens=ENDLESS)))
    await until_busy(provider)
    speaking.cancel()
    await until_idle(provider)
    assert speaking.cancelled()


async def test_leaving_while_the_prompt_is_read_or_waits_frees_the_slot(embed: Embed, smollm2: Path) -> None:
    provider = embed(smollm2, slots=1, niceness=0)
    long = prompt("word " * 900)
    reading, waiting = (asyncio.create_task(ask(provider, long)) for _ in range(2))
    await until_busy(provider)
    waiting.cancel()
    reading.cancel()
    await until_idle(provider)
    assert reading.cancelled()
    assert waiting.cancelled()


async def until_busy(provider: Embedded) -> None:
    """Wait until a slot is at work."""
    await provider.start()
    async with asyncio.timeout(PATIENCE_S):
        while await busy_slots(provider) == 0:
            pass


async def until_idle(provider: Embedded) -> None:
    """Wait until no slot is at work, as long as a stop may take."""
    async with asyncio.timeout(FREE_WITHIN_S):
        while await busy_slots(provider) > 0:
            pass


async def test_the_packaged_model_answers(embed: Embed, smollm2: Path) -> None:
    provider = embed(smollm2)
    turns = (Turn("system", "Answer with one word."), Turn("user", "What is the capital city of France?"))
    answer = await ask(provider, Prompt(turns=turns, max_tokens=24, temperature=0, stop=(".",)))
    assert "Paris" in answer.text
    assert "." not in answer.text
    assert not answer.end.truncated
    assert answer.end.model == smollm2.stem
    assert answer.end.usage is not None
    assert answer.end.usage.prompt_tokens > 20


async def test_a_prompt_beyond_the_context_is_refused_as_too_long(embed: Embed, byte_model: Path) -> None:
    provider = embed(byte_model, context_tokens=256)
    with pytest.raises(ProviderError) as refused:
        await ask(provider, prompt("x" * 300))
    assert (refused.value.code, refused.value.too_long) == ("provider_refused", True)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_no_sidecar_outlives_its_parent(byte_model: Path, end: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, byte_model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        orphan = int(parent.stdout.readline())
        os.kill(orphan, 0)
        parent.send_signal(end)
        assert parent.wait(PATIENCE_S) == -end
        assert ends(orphan, within_s=2)


async def test_closing_ends_the_sidecar_and_every_further_reply(embed: Embed, byte_model: Path) -> None:
    provider = embed(byte_model)
    await provider.start()
    process = sidecar(provider).process
    await provider.close()
    await provider.close()
    assert process.returncode == -signal.SIGKILL
    assert provider.sidecar is None
    with pytest.raises(ProviderError, match="it was closed"):
        await ask(provider, prompt())


async def test_closing_lets_nobody_wait_for_a_start(embed: Embed, byte_model: Path) -> None:
    provider = embed(byte_model)
    waiting = asyncio.create_task(provider.start())
    await asyncio.sleep(0)
    await provider.close()
    with pytest.raises(ProviderError, match="it was closed"):
        await waiting


async def test_a_file_that_is_no_model_is_tried_once(embed: Embed, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(100))
    provider = embed(broken)
    for _ in range(2):
        with pytest.raises(ProviderError, match="no model that llama") as failed:
            await provider.start()
        assert failed.value.code == "provider_unreachable"
        assert failed.value.retry_after_s is not None
        assert failed.value.retry_after_s > 55


async def test_without_the_runtime_it_says_how_to_install_it(
    embed: Embed, byte_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xllamacpp.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ProviderError, match="run `gator models install`"):
        await embed(byte_model).start()


async def test_who_waits_too_long_for_a_start_is_told(embed: Embed, byte_model: Path) -> None:
    provider = embed(byte_model, start_s=0.001)
    with pytest.raises(ProviderError, match="is being started"):
        await provider.start()
    await until_unserved(provider)


async def test_only_this_server_may_ask_the_sidecar(
    embed: Embed, byte_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATOR_OPENAI_API_KEY", "a key of the server")
    provider = embed(byte_model)
    await provider.start()
    running = sidecar(provider)
    assert (await get(running, "/v1/models")).status_code == 200
    assert (await get(running, "/slots", key="guessed")).status_code == 401
    assert running.url.startswith("http://127.0.0.1:")
    arguments, environment = (of_process(running.process.pid, part) for part in ("cmdline", "environ"))
    assert arguments is not None
    assert environment is not None
    assert running.api_key.encode() not in arguments + environment
    assert b"GATOR_OPENAI_API_KEY" not in environment
    assert running.api_key not in repr(running)


async def test_people_go_before_the_model_and_the_terminal_does_not_end_it(embed: Embed, byte_model: Path) -> None:
    provider = embed(byte_model, niceness=7)
    await provider.start()
    process = sidecar(provider).process.pid
    assert os.getpriority(os.PRIO_PROCESS, process) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 7)
    assert os.getsid(process) == process != os.getsid(0)
    weight = of_process(process, "autogroup")
    assert weight is None or weight.endswith(b"nice 7\n")
