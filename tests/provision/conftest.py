"""The commands over a stand-in that nobody has set up, as an operator runs them."""

import copy
import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from rich.console import Console

from local.logto.contoso import CONTOSO, LOCAL_MACHINE, fresh_tenant
from local.logto.server import StandIn, running
from local.logto.tenant import Tenant, User
from local.microsoft.entra_tenants import EntraTenant
from provision.__main__ import main
from provision.context import World
from provision.errors import ProvisionFailed
from provision.graph_api import Token
from provision.http import Http
from provision.microsoft import Login
from provision.stack import aws_session

BASE_URL = "http://localhost:3999"
FABRIKAM = "11111111-2222-4333-8444-555555555555"
ENTRA_SECRET = "entra-secret-of-somebody"


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.out)
        return told


class Silent:
    """Takes the place of a test's output where there is no test yet."""

    out = err = ""

    def readouterr(self) -> "Silent":
        return self


@dataclass(kw_only=True)
class Desk:
    """An operator's desk: a folder, credentials in the environment, and a stand-in."""

    root: Path
    stand_in: StandIn
    capsys: "pytest.CaptureFixture[str] | Silent"
    environment: dict[str, str] = field(default_factory=dict)
    base_url: str = BASE_URL
    session: Callable[[str | None, str | None], boto3.Session] = aws_session
    interrupt: Callable[[str], str] | None = None
    answers: list[str] | None = None
    """What somebody types; None where nobody is there."""
    clock: Callable[[], float] = time.time
    said: list[str] = field(default_factory=list)
    """Everything that any command printed."""

    @property
    def tenant(self) -> Tenant:
        return self.stand_in.tenant

    @property
    def entra(self) -> EntraTenant:
        return self.tenant.entra_tenants[CONTOSO.tenant_id]

    @property
    def logto(self) -> str:
        return self.stand_in.url

    def world(self, err: StringIO) -> World:
        left = iter(self.answers or [])

        def answer(question: str) -> str:
            err.write(question)
            return next(left)

        return World(
            environment={
                "MANAGEMENT_APP_ID": LOCAL_MACHINE[0],
                "MANAGEMENT_APP_SECRET": LOCAL_MACHINE[1],
                **self.environment,
            },
            root=self.root,
            interactive=self.answers is not None,
            err=Console(file=err, width=200, soft_wrap=True),
            line=self.interrupt or answer,
            hidden=answer,
            credentials=self.credentials,
            session=self.session,
            pause=lambda seconds: None,
            clock=self.clock,
        )

    def credentials(self, tenant: str, login: Login) -> Token:
        def token() -> str:
            with Http(f"{self.logto}/entra/{tenant}", name="Microsoft") as http:
                form = {"grant_type": "client_credentials"}
                body = http.send("POST", "/oauth2/v2.0/token", data=form).body
            if not body or "access_token" not in body:
                raise ProvisionFailed("Microsoft does not answer")
            return str(body["access_token"])

        return token

    def run(self, *arguments: str) -> Ran:
        """Run a command of the program."""
        err = StringIO()
        self.capsys.readouterr()
        try:
            code = main(list(arguments), self.world(err))
        except SystemExit as end:
            code = int(end.code or 0)
        captured = self.capsys.readouterr()
        ran = Ran(code=code, out=captured.out, err=err.getvalue() + captured.err)
        self.said += [ran.out, ran.err]
        return ran

    def where(self) -> list[str]:
        """The options that every command takes here."""
        return ["--base-url", self.base_url, "--logto-endpoint", self.logto]

    def entra_options(self) -> list[str]:
        return [
            *("--graph-endpoint", f"{self.logto}/graph/v1.0"),
            *("--entra-authority", f"{self.logto}/entra"),
        ]

    def setup(self, *more: str, yes: bool = True) -> Ran:
        """`setup` for Contoso."""
        options = [*self.where(), *self.entra_options()]
        return self.run(
            "setup",
            *options,
            *("--name", "Northwind", "--entra-tenant", CONTOSO.tenant_id),
            *("--domain", "contoso.com", "--trust-unverified-email"),
            *(("--yes",) if yes else ()),
            *more,
        )

    def setup_stack(self, stack: str, *more: str) -> Ran:
        """`setup` for Contoso and a deployed stack."""
        return self.run(
            *("setup", "--stack-name", stack, "--logto-endpoint", self.logto, "--yes"),
            *self.entra_options(),
            *("--name", "Northwind", "--entra-tenant", CONTOSO.tenant_id),
            *("--domain", "contoso.com", "--trust-unverified-email"),
            *more,
        )

    def add(self, *more: str) -> Ran:
        """`setup connector add` for Fabrikam."""
        return self.run(
            *("setup", "connector", "add", *self.where(), *self.entra_options(), "--yes"),
            *("--entra-tenant", "fabrikam.onmicrosoft.com", "--domain", "fabrikam.com"),
            *more,
        )

    def teardown(self, *more: str) -> Ran:
        graph = ("--graph-endpoint", f"{self.logto}/graph/v1.0")
        return self.run("teardown", *self.where(), *graph, "--yes", *more)

    def elsewhere(self, base_url: str) -> "Desk":
        """Another deployment at the same Logto."""
        return dataclasses.replace(self, base_url=base_url)

    def env(self) -> str:
        return (self.root / ".env").read_text()


def state(tenant: Tenant) -> Any:
    """Everything that is set up, to be compared."""
    return copy.deepcopy(
        (
            tenant.applications,
            tenant.connectors,
            tenant.webhooks,
            tenant.entra_tenants,
            tenant.single_sign_on_enabled,
            tenant.sign_in_experience,
        )
    )


def secrets_of(desk: Desk) -> set[str]:
    """Every secret that there is."""
    found = {LOCAL_MACHINE[1], ENTRA_SECRET, *desk.stand_in.state.microsoft.graph_tokens}
    found |= {application.secret for application in desk.tenant.applications.values()}
    found |= {hook.signing_key for hook in desk.tenant.webhooks}
    found |= {c.client_secret for c in desk.tenant.connectors.values() if c.client_secret}
    for directory in desk.tenant.entra_tenants.values():
        for registration in directory.registrations.values():
            found |= {password.text for password in registration.passwords}
    return found


def with_fabrikam(tenant: Tenant) -> Tenant:
    """A second customer's directory, with somebody in it."""
    tenant.entra_tenants[FABRIKAM] = EntraTenant(id=FABRIKAM, domain="fabrikam.onmicrosoft.com")
    tenant.users["frank0000001"] = User(
        id="frank0000001", name="Frank Example", email="frank@fabrikam.com", entra_tenant=FABRIKAM
    )
    return tenant


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with running(with_fabrikam(fresh_tenant())) as started:
        yield started


@pytest.fixture
def desk(stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """No command of any test says a secret, or shows a traceback."""
    made = Desk(root=tmp_path, stand_in=stand_in, capsys=capsys)
    yield made
    said = "".join(made.said)
    assert not [secret for secret in secrets_of(made) if secret in said]
    assert "Traceback" not in said
    for file in (tmp_path / ".local").rglob("*.json"):
        assert not [secret for secret in secrets_of(made) if secret in file.read_text()]
