"""A deployment that works: the product over HTTP, a stack, Logto and Entra, set up by `setup`."""

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
from tests.provision.operators import CommandResult, NoCapture, Operator, with_fabrikam
from tests.provision.stacks import FakeStack, deploy, stored
from tests.support.up import ROOT

Edit = Callable[[str, Message], None]
"""Changes the start of the response to a path."""


@dataclass(kw_only=True)
class Proxy:
    """A proxy in front of the product, which can change its responses."""

    app: ASGIApp
    edit: Edit | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def edited(message: Message) -> None:
            if message["type"] == "http.response.start" and self.edit is not None:
                self.edit(scope["path"], message)
            await send(message)

        await self.app(scope, receive, edited)


@dataclass(kw_only=True)
class Deployment:
    """A deployment, and the options with which commands check it."""

    stand_in: StandIn
    stack: FakeStack
    proxy: Proxy
    url: str
    root: Path
    options: list[str] = field(default_factory=list)

    def operator(self, capsys: Any) -> Operator:
        operator = Operator(root=self.root, stand_in=self.stand_in, capsys=capsys)
        operator.session = self.stack.session
        return operator

    def doctor(self, operator: Operator, *more: str) -> CommandResult:
        where = ("--stack-name", self.stack.name, *self.options)
        return operator.run("doctor", *where, *operator.graph_options(), "--check-entra", *more)

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Restore afterwards whatever a test breaks."""
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
            self.options, self.proxy.edit = options, None


@contextmanager
def running_deployment(root: Path) -> Iterator[Deployment]:
    """Start a deployment in which everything is right. The environment names the AWS endpoint."""
    sockets = listen(("127.0.0.1",), 0)
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    with ExitStack() as parts:
        stand_in = parts.enter_context(running(with_fabrikam(fresh_tenant())))
        stack = deploy(url, LogtoEndpoint=stand_in.url, LogtoAppId="local-app")
        operator = Operator(root=root, stand_in=stand_in, capsys=NoCapture())
        operator.session = stack.session
        result = operator.setup_stack(stack.name)
        assert result.code == 0, result.err
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
        proxy = Proxy(app=gateway)
        parts.enter_context(serving(proxy, sockets, name="site"))
        yield Deployment(stand_in=stand_in, stack=stack, proxy=proxy, url=url, root=root)
