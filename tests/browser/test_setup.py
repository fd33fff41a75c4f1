"""After `setup`, in a browser: people of two customers sign in through their connectors."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dotenv import dotenv_values
from playwright.sync_api import BrowserContext, expect

from harness.ports import free_ports
from local.logto.contoso import fresh_tenant
from local.logto.server import StandIn, running
from local.logto.tenant import Presets
from tests.provision.operators import NoCapture, Operator, with_fabrikam
from tests.support.needs import chromium
from tests.support.up import Up, up


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    chromium()  # before anything is started
    tenant = with_fabrikam(fresh_tenant())
    tenant.presets = Presets()  # every id is Logto's own
    with running(tenant) as stand_in:
        yield Operator(
            root=tmp_path_factory.mktemp("operator"), stand_in=stand_in, capsys=NoCapture()
        )


@pytest.fixture(scope="module")
def stack(operator: Operator) -> Iterator[Up]:
    """The product with the settings that `setup` wrote; it knows nothing else of this Logto."""
    (port,) = free_ports(1)
    operator.base_url = f"http://localhost:{port}"
    for result in (operator.setup("--no-trust-unverified-email"), operator.add()):
        assert result.code == 0, result.err
    written = {n: v for n, v in dotenv_values(operator.root / ".env").items() if v is not None}
    with up({**written, "PORT": str(port)}) as program:
        program.ports["PORT"] = port
        program.wait_for("Ctrl-C stops everything")
        yield program


def connector_of(stand_in: StandIn, domain: str) -> str:
    return next(c.id for c in stand_in.tenant.connectors.values() if domain in c.domains)


def test_by_the_link_of_each_customer(
    operator: Operator, new_context: Callable[..., BrowserContext], stack: Up
) -> None:
    for domain, who in (("contoso.com", "Alice Example"), ("fabrikam.com", "Frank Example")):
        page = new_context().new_page()
        page.goto(f"/sign-in?connector={connector_of(operator.stand_in, domain)}")
        page.get_by_role("button", name=who).click()
        expect(page).to_have_url(f"{stack.url}/")
        expect(page.get_by_role("heading", level=1)).to_have_text(who)
        # Beside another customer's, no directory is trusted: Logto keeps no address of its users.
        expect(page.get_by_text(f"@{domain}")).to_have_count(0)


def test_address_signs_in_through_its_connector(
    new_context: Callable[..., BrowserContext], stack: Up
) -> None:
    page = new_context().new_page()
    page.goto("/sign-in")
    expect(page.get_by_role("button", name="Continue with Contoso")).to_be_visible()
    page.get_by_label("E-mail address").fill("bob@contoso.com")
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_role("button", name="Bob Example").click()
    expect(page).to_have_url(f"{stack.url}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bob Example")


def test_doctor_agrees(operator: Operator, stack: Up) -> None:
    options = (*operator.where(), *operator.graph_options(), "--check-entra")
    result = operator.run("doctor", *options)
    assert result.code == 0, result.out


def test_a_suspended_user_is_signed_out_by_the_webhook(
    operator: Operator, new_context: Callable[..., BrowserContext], stack: Up
) -> None:
    page = new_context().new_page()
    page.goto(f"/sign-in?connector={connector_of(operator.stand_in, 'contoso.com')}")
    page.get_by_role("button", name="Grace Many-Groups").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Grace Many-Groups")
    console = new_context().new_page()
    console.goto(f"{operator.logto}/console")
    console.get_by_role("button", name="Suspend Grace Many-Groups").click()
    expect(console.get_by_role("button", name="Reinstate Grace Many-Groups")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_env_is_where_make_up_reads_it(operator: Operator) -> None:
    assert (Path(operator.root) / ".env").stat().st_mode & 0o777 == 0o600
