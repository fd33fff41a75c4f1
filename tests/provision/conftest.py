"""An operator at a Logto and an Entra tenant in which nothing is set up, and a deployment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.logto.contoso import fresh_tenant
from local.logto.server import StandIn, running
from tests.conftest import REGION
from tests.provision.deployments import Deployment, running_deployment
from tests.provision.operators import Operator, secrets_of, with_fabrikam


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with running(with_fabrikam(fresh_tenant())) as started:
        yield started


@pytest.fixture
def operator(
    stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Operator]:
    """No command of any test may print a secret or a traceback, or record a secret."""
    made = Operator(root=tmp_path, stand_in=stand_in, capsys=capsys)
    yield made
    printed = "".join(made.printed)
    assert not [secret for secret in secrets_of(made) if secret in printed]
    assert "Traceback" not in printed
    for file in (tmp_path / ".local").rglob("*.json"):
        assert not [secret for secret in secrets_of(made) if secret in file.read_text()]


@pytest.fixture(scope="module")
def module_deployment(
    moto_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AWS_ENDPOINT_URL", moto_url)
        patch.setenv("POWERTOOLS_TRACE_DISABLED", "true")
        patch.setenv("POWERTOOLS_LOG_LEVEL", "CRITICAL")
        patch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
        with running_deployment(tmp_path_factory.mktemp("operator")) as started:
            yield started


@pytest.fixture
def deployment(
    module_deployment: Deployment, moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    with module_deployment.restored():
        yield module_deployment
