"""The stack: table, stand-in and web, started in order, reloaded on change, stopped together."""

import os
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from local import demo_api, ports
from local.environments import DoesNotStart, Environments
from local.gateway import Gateway
from local.logto.contoso import fresh_tenant
from local.logto.server import StandIn, running
from local.options import LOGTO, ROOT, Options, OptionsInvalid
from local.own_name import localhost_names
from local.queue import FUNCTION_SECONDS, polling, queue_url
from local.reload import Change, changes
from local.serving import listen, serving
from local.stand_in_setup import set_up_stand_in
from local.table import isolate_from_aws, running_table
from local.template import Route, queue_handler, read_template, routes_of
from provision.errors import ProvisionFailed

LOOPBACK = ("127.0.0.1", "::1")
SIGNING_KEY = "LOGTO_WEBHOOK_SIGNING_KEY"


def run(options: Options, *, verbose: bool) -> bool:
    """Run the whole stack until it is stopped. True if it has to start again with changed code.

    Raises OptionsInvalid if it cannot start.
    """
    check_ports(options.ports, LOOPBACK)
    isolate_from_aws(os.environ)
    with _until_signalled() as stop, ExitStack() as running_parts:
        changed = running_parts.enter_context(changes(stop))
        variables = functions_environment(options, verbose=verbose)
        site = _Site(options, variables)
        running_parts.callback(site.kill)
        stand_in = running_parts.enter_context(backends(options, LOOPBACK, None))
        running_parts.enter_context(polling(options.table_endpoint, site.deliver))
        running_parts.enter_context(_demo_api(options))
        site.check()
        sockets = listen(LOOPBACK, options.port)
        running_parts.enter_context(serving(site.gateway, sockets, name="web"))
        _wait_for(f"http://localhost:{options.port}/")
        _print_addresses(options, stand_in)
        for change in changed:
            if change is Change.STACK:
                print("The local stack changed: starting again.", flush=True)
                return True
            site.reload()
    return False


def run_backends(options: Options, *, hosts: tuple[str, ...], public_url: str | None) -> None:
    """Run only the table and the stand-in until stopped. Raises OptionsInvalid."""
    check_ports(backend_ports(options), hosts)
    isolate_from_aws(os.environ)
    # The stand-in calls itself by its public name, which the system's resolver may not know.
    with localhost_names(), _until_signalled() as stop, backends(options, hosts, public_url):
        print("The table and the Logto stand-in are up.", flush=True)
        stop.wait()


def backend_ports(options: Options) -> dict[str, int]:
    """The ports of the table and the stand-in, by the variables that choose them."""
    unused = ("PORT", "API_PORT")
    return {name: port for name, port in options.ports.items() if name not in unused}


@contextmanager
def backends(
    options: Options, hosts: tuple[str, ...], public_url: str | None
) -> Iterator[StandIn | None]:
    """Run the table, and the stand-in unless a real Logto is used."""
    with ExitStack() as parts:
        parts.enter_context(running_table(hosts[0], options.table_port))
        if options.own_logto:
            yield None
            return
        stand_in = parts.enter_context(
            running(
                fresh_tenant(webhook_key=options.functions("localhost")[SIGNING_KEY]),
                hosts=hosts,
                port=options.logto_port,
                public_url=public_url or f"http://localhost:{options.logto_port}",
                log=lambda line: _print(f"logto  {line}"),
            )
        )
        try:
            set_up_stand_in(stand_in, options.base_url)
        except ProvisionFailed as failure:
            raise OptionsInvalid(f"The Logto stand-in cannot be set up: {failure}") from None
        yield stand_in


@contextmanager
def _demo_api(options: Options) -> Iterator[None]:
    """Run the demo API, unless `/api/` leads to another server."""
    if not options.has_demo_api:
        yield
        return
    endpoint = options.functions("localhost")["LOGTO_ENDPOINT"]
    app = demo_api.create_app(endpoint, options.resources)
    with serving(app, listen(LOOPBACK, options.api_port), name="demo-api"):
        yield


class _Site:
    """The web application: a gateway over execution environments, which a reload replaces."""

    def __init__(self, options: Options, variables: dict[str, str]) -> None:
        self._variables = variables
        self._environments = Environments(variables)
        self._routes = _routes(options)
        self._queue_handler = queue_handler(read_template(ROOT / "template.yaml"))
        self.gateway = Gateway(
            self._routes,
            self._invoke,
            base_url=options.base_url,
            log=lambda line: _print(f"web    {line}"),
        )

    def check(self) -> None:
        """Import all handlers. Raises OptionsInvalid if the code does not start."""
        try:
            self._environments.check(self._handlers)
        except DoesNotStart as failure:
            raise OptionsInvalid(str(failure)) from None

    def reload(self) -> None:
        """Replace the environments by new ones with the present code, if it starts."""
        fresh = Environments(self._variables)
        try:
            fresh.check(self._handlers)
        except DoesNotStart as failure:
            fresh.kill()
            self.gateway.fault = str(failure)
            print(f"{failure}\nThe code does not start; waiting for a change.", flush=True)
            return
        self._environments, old = fresh, self._environments
        self.gateway.fault = None
        print("Reloaded.", flush=True)
        threading.Thread(target=old.stop, daemon=True).start()

    def deliver(self, event: dict[str, Any]) -> Any:
        """Invoke the function of the queue. Raises InvocationFailed."""
        return self._invoke(self._queue_handler, event, FUNCTION_SECONDS)

    def kill(self) -> None:
        self._environments.kill()

    def _invoke(self, handler: str, event: dict[str, Any], seconds: float) -> Any:
        return self._environments.invoke(handler, event, seconds=seconds)

    @property
    def _handlers(self) -> frozenset[str]:
        answering = {route.handler for route in self._routes if route.relay is None}
        return frozenset(answering | {r.authorizer.handler for r in self._routes if r.authorizer})


def _routes(options: Options) -> tuple[Route, ...]:
    try:
        return routes_of(read_template(ROOT / "template.yaml"), upstream=options.upstream)
    except ValueError as fault:
        raise OptionsInvalid(f"template.yaml: {fault}") from None


def functions_environment(options: Options, *, verbose: bool = False) -> dict[str, str]:
    """The functions' environment variables, as `template.yaml` sets them on AWS."""
    quiet = {"POWERTOOLS_LOG_LEVEL": "ERROR", "POWERTOOLS_METRICS_DISABLED": "true"}
    return {
        **({} if verbose else quiet),
        "POWERTOOLS_TRACE_DISABLED": "true",
        **options.functions("localhost"),
        "AWS_ENDPOINT_URL_DYNAMODB": options.table_endpoint,
        "AWS_ENDPOINT_URL_SQS": options.table_endpoint,
        "REVOCATION_QUEUE_URL": queue_url(options.table_endpoint),
    }


@contextmanager
def _until_signalled() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, instead of interrupting the program."""
    stop = threading.Event()
    names = (signal.SIGINT, signal.SIGTERM)
    before = {name: signal.signal(name, lambda *_: stop.set()) for name in names}
    try:
        yield stop
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def check_ports(wanted: dict[str, int], hosts: tuple[str, ...]) -> None:
    """Check that no other process listens on these ports. Raises OptionsInvalid."""
    for name, port in wanted.items():
        if ports.taken(port, hosts):
            by = ports.holder(port)
            raise OptionsInvalid(
                f"Port {port} is taken{f' by {by}' if by else ''}: stop it, or choose another "
                f"with {name}, for example: {name}={port + 10} make up"
            )
    if len(set(wanted.values())) < len(wanted):
        raise OptionsInvalid(f"{', '.join(wanted)} must be different ports")


def _wait_for(url: str) -> None:
    """Wait until a page answers, with any status. Raises OptionsInvalid."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for attempt in range(100):
        try:
            direct.open(url, timeout=10).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            threading.Event().wait(0.1 * min(attempt, 5))
    raise OptionsInvalid(f"{url} does not answer")


def _print_addresses(options: Options, stand_in: StandIn | None) -> None:
    print(f"\n  {options.base_url}\n", flush=True)
    if stand_in is None:
        print(f"  Sign-in at your own Logto, {options.variables[LOGTO[0]]}. Register there:")
        print(f"    redirect URI           {options.base_url}/callback")
        print(f"    post sign-out URI      {options.base_url}/signed-out")
    else:
        (connector,) = stand_in.tenant.connectors.values()
        print(f'  Choose "Continue with {connector.display_name}" and sign in as')
        for user in stand_in.tenant.users.values():
            note = " (suspended)" if user.suspended else ""
            print(f"    {user.name:<20} {user.email or 'without e-mail address'}{note}")
        print(f"  Suspend a user at {stand_in.url}/console")
    if options.upstream is not None:
        print(f"  A protected API: {options.base_url}/api/orders")
    print("\n  Ctrl-C stops everything.\n", flush=True)


def _print(line: str) -> None:
    print(line, flush=True)
