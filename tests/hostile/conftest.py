"""Every hostile test ends with a search for canaries in answers, log lines and metrics."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from harness.patience import PATIENT, impatient
from harness.product import started_process
from shared.limits import Limits
from tests.hostile.provider import EvilProvider, evil_provider
from tests.hostile.scene import Scene
from tests.hostile.waiting import STALLED_SECONDS


@pytest.fixture(scope="session")
def listening() -> Iterator[EvilProvider]:
    with evil_provider() as provider:
        yield provider


@pytest.fixture
def provider(listening: EvilProvider) -> EvilProvider:
    listening.reset()
    return listening


@pytest.fixture
def limits(request: pytest.FixtureRequest) -> Limits:
    """Return how long a process waits: only briefly if the provider stalls on purpose."""
    stalls = request.node.get_closest_marker("impatient")
    limits = impatient(STALLED_SECONDS) if stalls else PATIENT
    for marker in reversed(list(request.node.iter_markers("limits"))):  # the closest one wins
        limits = replace(limits, **marker.kwargs)
    return limits


@pytest.fixture
def scene(
    provider: EvilProvider,
    limits: Limits,
    dynamodb_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Scene]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)

    def printed() -> str:
        return "".join(capfd.readouterr())

    with started_process(provider.url, limits=limits) as process:
        scene = Scene(process=process, provider=provider, limits=limits, printed=printed)
        yield scene
        scene.search()


Printed = Callable[[], str]
