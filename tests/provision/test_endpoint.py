"""`setup` takes an endpoint only if Logto itself has it as its address."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.logto import discovery
from local.logto.contoso import fresh_tenant
from local.logto.server import running
from tests.provision.operators import BASE_URL, Operator, refused, state, with_fabrikam

KNOWN_AS = "http://login.localhost:3999"


@pytest.fixture
def behind_a_proxy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Operator]:
    """An operator of a Logto that browsers know by another name than this machine does."""
    with running(with_fabrikam(fresh_tenant()), public_url=KNOWN_AS) as stand_in:
        yield Operator(root=tmp_path, stand_in=stand_in, capsys=capsys)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_setup_refuses_an_address_that_logto_does_not_call_itself(
    behind_a_proxy: Operator, name: str
) -> None:
    operator = behind_a_proxy
    before = state(operator.tenant)
    inner = f"http://{name}:{operator.stand_in.port}"
    where = ("--base-url", BASE_URL, "--logto-endpoint", inner)
    contoso = ("--entra-tenant", "contoso.onmicrosoft.com", "--domain", "contoso.com", "--yes")
    for command in (("setup",), ("setup", "connector", "add"), ("setup", "--dry-run")):
        refused(
            operator.run(*command, *where, *operator.entra_options(), *contoso),
            f"Logto at {inner} calls itself {KNOWN_AS}/oidc",
            f"Pass {KNOWN_AS} to --logto-endpoint",
        )
    assert state(operator.tenant) == before
    assert list(operator.root.iterdir()) == []


def test_setup_refuses_an_address_in_the_settings_that_is_not_logtos_own(
    behind_a_proxy: Operator,
) -> None:
    operator = behind_a_proxy
    inner = f"http://127.0.0.1:{operator.stand_in.port}"
    (operator.root / ".env").write_text(f"LOGTO_ENDPOINT={inner}\n")
    result = operator.run("setup", "--base-url", BASE_URL, "--yes")
    refused(result, "calls itself", "--logto-endpoint")


def test_setup_refuses_a_logto_with_endpoints_elsewhere(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a proxy that ends TLS, when Logto does not trust it."""
    real = discovery.metadata

    def elsewhere(memory: object) -> dict[str, object]:
        return {**real(memory), "token_endpoint": "http://other.localhost/oidc/token"}  # type: ignore[arg-type]

    monkeypatch.setattr(discovery, "metadata", elsewhere)
    refused(operator.setup(), "`token_endpoint` is not a URL on", "Correct the ENDPOINT")
    monkeypatch.undo()
    assert operator.setup().code == 0


@pytest.mark.parametrize("path", ["/oidc", "/oidc/", "/console", "//"])
def test_setup_refuses_a_path_in_every_source(operator: Operator, path: str) -> None:
    (operator.root / ".env").write_text(f"LOGTO_ENDPOINT={operator.logto}{path}\n")
    in_file = operator.run("setup", "--base-url", BASE_URL, "--yes")
    refused(in_file, "must be without a path", f"Pass {operator.logto} to --logto-endpoint")
    where = ("--base-url", BASE_URL, "--logto-endpoint", f"{operator.logto}{path}")
    refused(operator.run("setup", *where, "--yes"), "must be without a path")
