"""A whole set-up that works: the product over HTTP, a stack, Logto and Entra, set up by `setup`."""

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.notifications.application import make_handler as make_notifications
from harness.functions import started_services
from harness.processes import unlogged
from harness.product import started_process
from local.gateway import Gateway
from local.logto.contoso import fresh_tenant
from local.logto.server import StandIn, running
from local.serving import listen, serving
from local.template import read_template, routes_of
from shared.oidc.client_secret import webhook_key
from tests.provision.conftest import Desk, Ran, Silent, with_fabrikam
from tests.provision.stacks import FakeStack, deploy, stored
from tests.support.up import ROOT

Edit = Callable[[str, Message], None]
"""Changes the start of an answer to a path."""


@dataclass(kw_only=True)
class Front:
    """What stands in front of the product, and may change its answers."""

    app: ASGIApp
    edit: Edit | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def edited(message: Message) -> None:
            if message["type"] == "http.response.start" and self.edit is not None:
                self.edit(scope["path"], message)
            await send(message)

        await self.app(scope, receive, edited)


@dataclass(kw_only=True)
class Clinic:
    """The set-up, and what a command is run with there."""

    stand_in: StandIn
    stack: FakeStack
    front: Front
    front_url: str
    root: Path
    options: list[str] = field(default_factory=list)

    def desk(self, capsys: Any) -> Desk:
        desk = Desk(root=self.root, stand_in=self.stand_in, capsys=capsys)
        desk.session = self.stack.session
        return desk

    def doctor(self, desk: Desk, *more: str) -> Ran:
        graph = ("--graph-endpoint", f"{self.stand_in.url}/graph/v1.0")
        where = ("--stack-name", self.stack.name, *self.options)
        return desk.run("doctor", *where, *graph, "--check-entra", *more)

    @contextmanager
    def as_it_was(self) -> Iterator[None]:
        """Whatever is broken meanwhile is whole again afterwards."""
        memory, tenant, stack = self.stand_in.state, self.stand_in.tenant, self.stack
        before = copy.deepcopy(tenant)
        url, keys, algorithm = memory.url, list(memory.keys._keys), memory.keys.algorithm
        resources, outputs = dict(stack.resources), dict(stack.outputs)
        parameters, options = dict(stack.parameters), list(self.options)
        try:
            yield
        finally:
            memory.tenant, memory.url = before, url
            memory.keys._keys, memory.keys.algorithm = keys, algorithm
            stack.resources, stack.outputs, stack.parameters = resources, outputs, parameters
            self.options, self.front.edit = options, None


@contextmanager
def working(root: Path) -> Iterator[Clinic]:
    """A set-up in which everything is right. AWS is the environment's."""
    sockets = listen(("127.0.0.1",), 0)
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    with ExitStack() as parts:
        stand_in = parts.enter_context(running(with_fabrikam(fresh_tenant())))
        stack = deploy(url, LogtoEndpoint=stand_in.url, LogtoAppId="local-app")
        desk = Desk(root=root, stand_in=stand_in, capsys=Silent())
        desk.session = stack.session
        ran = desk.setup_stack(stack.name)
        assert ran.code == 0, ran.err
        settings = {
            "LOGTO_APP_SECRET": stored(stack.id("AppSecret")),
            "LOGTO_WEBHOOK_SIGNING_KEY": stored(stack.id("WebhookSigningKey")),
            "BASE_URL": url,
        }
        process = parts.enter_context(
            started_process(stand_in.url, table_name=stack.id("Table"), settings=settings)
        )
        services = parts.enter_context(started_services(process, "notifications"))
        parts.enter_context(unlogged("auth", "notifications"))
        key = webhook_key(
            services.settings, services.limits, lambda arn, fresh, deadline: "", services.clock
        )
        handlers = {
            "functions.auth.app.handler": process.handler,
            "functions.notifications.app.handler": make_notifications(services, key),
        }
        gateway = Gateway(
            routes_of(read_template(ROOT / "template.yaml")),
            lambda handler, event, seconds: handlers[handler](event, None),
            base_url=url,
            log=lambda line: None,
        )
        front = Front(app=gateway)
        parts.enter_context(serving(front, sockets, name="site"))
        yield Clinic(stand_in=stand_in, stack=stack, front=front, front_url=url, root=root)
