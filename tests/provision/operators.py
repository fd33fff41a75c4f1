"""An operator who runs the commands, over a stand-in for Logto and Entra."""

import copy
import dataclasses
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from rich.console import Console

from local.logto.contoso import CONTOSO, LOCAL_MACHINE
from local.logto.server import StandIn
from local.logto.tenant import Tenant, User
from local.microsoft.entra_tenants import EntraTenant
from provision.__main__ import main
from provision.admin_function import AdminFunction, local_function
from provision.aws import aws_session
from provision.clouds import Microsoft
from provision.context import Context
from provision.errors import ProvisionFailed
from provision.graph_api import TokenSource
from provision.http import JsonClient
from provision.microsoft import Login

BASE_URL = "http://localhost:3999"
FABRIKAM = "11111111-2222-4333-8444-555555555555"
ENTRA_SECRET = "entra-secret-of-somebody"


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """The exit code of a command, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


class NoCapture:
    """Stands in for pytest's capture outside of a test, as in a fixture of a whole module."""

    out = err = ""

    def readouterr(self) -> "NoCapture":
        return self


@dataclass(kw_only=True)
class Operator:
    """An operator: a folder, credentials in the environment, and a stand-in for Logto and Entra."""

    root: Path
    stand_in: StandIn
    capsys: "pytest.CaptureFixture[str] | NoCapture"
    environment: dict[str, str] = field(default_factory=dict)
    base_url: str = BASE_URL
    session: Callable[[str | None, str | None], boto3.Session] = aws_session
    local_function: Callable[[], AdminFunction] = local_function
    interrupt: Callable[[str], str] | None = None
    """Takes the place of reading an answer."""
    answers: list[str] | None = None
    """What the operator types; None: nobody is there to type."""
    terminal: bool = False
    """Whether standard error is a terminal."""
    clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = lambda seconds: None
    printed: list[str] = field(default_factory=list)
    """Everything that the commands printed."""

    @property
    def tenant(self) -> Tenant:
        return self.stand_in.tenant

    @property
    def entra(self) -> EntraTenant:
        return self.tenant.entra_tenants[CONTOSO.tenant_id]

    @property
    def logto(self) -> str:
        return self.stand_in.url

    def context(self, err: StringIO) -> Context:
        left = iter(self.answers or [])

        def answer(question: str) -> str:
            err.write(question)
            return next(left)

        return Context(
            environment={
                "MANAGEMENT_APP_ID": LOCAL_MACHINE[0],
                "MANAGEMENT_APP_SECRET": LOCAL_MACHINE[1],
                **self.environment,
            },
            root=self.root,
            interactive=self.answers is not None,
            err=Console(file=err, width=200, soft_wrap=True, force_terminal=self.terminal),
            shows_progress=self.terminal,
            read_line=self.interrupt or answer,
            read_hidden=answer,
            credentials=self.credentials,
            session=self.session,
            local_function=self.local_function,
            pause=self.pause,
            clock=self.clock,
        )

    def credentials(self, tenant: str, login: Login, microsoft: Microsoft) -> TokenSource:
        def token() -> str:
            with JsonClient(f"{self.logto}/entra/{tenant}", name="Microsoft") as http:
                form = {"grant_type": "client_credentials"}
                body = http.send("POST", "/oauth2/v2.0/token", data=form).body
            if not body or "access_token" not in body:
                raise ProvisionFailed("Microsoft does not answer.")
            return str(body["access_token"])

        return token

    def run(self, *arguments: str) -> CommandResult:
        """Run a command of the program."""
        err = StringIO()
        self.capsys.readouterr()
        try:
            code = main(list(arguments), self.context(err))
        except SystemExit as end:
            code = int(end.code or 0)
        captured = self.capsys.readouterr()
        result = CommandResult(code=code, out=captured.out, err=err.getvalue() + captured.err)
        self.printed += [result.out, result.err]
        return result

    def where(self) -> list[str]:
        """Return the options that every command needs."""
        return ["--base-url", self.base_url, "--logto-endpoint", self.logto]

    def graph_options(self) -> list[str]:
        """Return the options that commands need which use Microsoft Graph."""
        return ["--graph-endpoint", f"{self.logto}/graph/v1.0"]

    def entra_options(self) -> list[str]:
        """Return the options that commands need which use all of Entra."""
        return [*self.graph_options(), "--entra-authority", f"{self.logto}/entra"]

    def setup(self, *more: str, yes: bool = True) -> CommandResult:
        """Run `setup` for Contoso."""
        options = [*self.where(), *self.entra_options()]
        return self.run(
            "setup",
            *options,
            *("--name", "Northwind", "--entra-tenant", CONTOSO.tenant_id),
            *("--domain", "contoso.com", "--trust-unverified-email"),
            *(("--yes",) if yes else ()),
            *more,
        )

    def setup_stack(self, stack: str, *more: str) -> CommandResult:
        """Run `setup` for Contoso and a deployed stack."""
        return self.run(
            *("setup", "--stack-name", stack, "--logto-endpoint", self.logto, "--yes"),
            *self.entra_options(),
            *("--name", "Northwind", "--entra-tenant", CONTOSO.tenant_id),
            *("--domain", "contoso.com", "--trust-unverified-email"),
            *more,
        )

    def add(self, *more: str) -> CommandResult:
        """Run `setup connector add` for Fabrikam."""
        return self.run(
            *("setup", "connector", "add", *self.where(), *self.entra_options(), "--yes"),
            *("--entra-tenant", "fabrikam.onmicrosoft.com", "--domain", "fabrikam.com"),
            *more,
        )

    def teardown(self, *more: str) -> CommandResult:
        """Run `teardown`."""
        return self.run("teardown", *self.where(), *self.graph_options(), "--yes", *more)

    def elsewhere(self, base_url: str) -> "Operator":
        """Return the same operator with another deployment at the same Logto."""
        return dataclasses.replace(self, base_url=base_url)

    def env(self) -> str:
        return (self.root / ".env").read_text()


def state(tenant: Tenant) -> Any:
    """Return everything that is set up at Logto and Entra, for comparison."""
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


def secrets_of(operator: Operator) -> set[str]:
    """Return every secret of the stand-in."""
    found = {LOCAL_MACHINE[1], ENTRA_SECRET, *operator.stand_in.state.microsoft.graph_tokens}
    for application in operator.tenant.applications.values():
        found |= set(application.secrets)
    found |= {hook.signing_key for hook in operator.tenant.webhooks}
    found |= {c.client_secret for c in operator.tenant.connectors.values() if c.client_secret}
    for directory in operator.tenant.entra_tenants.values():
        for registration in directory.registrations.values():
            found |= {password.text for password in registration.passwords}
    return found


def with_fabrikam(tenant: Tenant) -> Tenant:
    """Add a second customer's directory, with a user in it."""
    tenant.entra_tenants[FABRIKAM] = EntraTenant(id=FABRIKAM, domain="fabrikam.onmicrosoft.com")
    tenant.users["frank0000001"] = User(
        id="frank0000001", name="Frank Example", email="frank@fabrikam.com", entra_tenant=FABRIKAM
    )
    return tenant


def refused(result: CommandResult, *words: str, code: int = 1) -> None:
    """Assert that a command failed with one line on standard error, and printed nothing else."""
    assert result.code == code, result.out + result.err
    assert result.out == ""
    lines = result.err.strip().splitlines()
    assert len(lines) == 1, result.err
    assert lines[0].endswith(".")
    for word in words:
        assert word in lines[0]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def contoso(**changes: str) -> list[str]:
    options = {"--entra-tenant": CONTOSO.tenant_id, "--domain": "contoso.com", **changes}
    return [word for name, value in options.items() for word in (name, value)] + ["--yes"]
