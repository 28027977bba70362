"""What the tests of the embedded model share: models, and providers that are closed in the end."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.byte_model import write_byte_model

from gator.personas.model_files import find_model, has_runtime
from gator.personas.providers.embedded import Embedded

Embed = Callable[..., Embedded]


@pytest.fixture(scope="session")
def byte_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that talks, in ASCII, until it is cut."""
    return write_byte_model(tmp_path_factory.mktemp("models") / "bytes.gguf")


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The model that comes as a package."""
    model = find_model()
    if model is None or not has_runtime():
        pytest.skip("the embedded model is not installed: run `make model`")
    return model


@pytest.fixture
async def embed() -> AsyncIterator[Embed]:
    """Make providers; their sidecars are gone when the test is over."""
    async with AsyncExitStack() as stack:

        def make(model: Path, **options: Any) -> Embedded:
            provider = Embedded(model, **options)
            stack.push_async_callback(provider.close)
            return provider

        yield make
