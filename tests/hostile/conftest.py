"""Every hostile test ends with a search: no canary in an answer, a log line or a metric."""

from collections.abc import Callable, Iterator

import pytest

from harness.product import started_process
from tests.hostile.provider import EvilProvider, evil_provider
from tests.hostile.scene import Scene
from tests.hostile.waiting import IMPATIENT, PATIENT


@pytest.fixture(scope="session")
def listening() -> Iterator[EvilProvider]:
    with evil_provider() as provider:
        yield provider


@pytest.fixture
def provider(listening: EvilProvider) -> EvilProvider:
    listening.reset()
    return listening


@pytest.fixture
def seconds(request: pytest.FixtureRequest) -> float:
    """How long a process waits for the provider."""
    return IMPATIENT if request.node.get_closest_marker("impatient") else PATIENT


@pytest.fixture
def scene(
    provider: EvilProvider,
    seconds: float,
    dynamodb_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Scene]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)

    def printed() -> str:
        return "".join(capfd.readouterr())

    with started_process(provider.url, provider_seconds=seconds) as process:
        scene = Scene(process=process, provider=provider, seconds=seconds, printed=printed)
        yield scene
        scene.search()


Printed = Callable[[], str]
