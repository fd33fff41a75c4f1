"""An operator, at a Logto and an Entra tenant in which nothing is set up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.logto.contoso import fresh_tenant
from local.logto.server import StandIn, running
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
