"""Measure each request: calls to DynamoDB, units, bytes of logs, milliseconds.

The real handlers run over moto's server and the stand-in for Logto. Units follow DynamoDB's rules
from the calls and from the sizes of the items that are in the table.
"""

import contextlib
import io
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from moto.server import ThreadedMotoServer

from harness.browser import NAVIGATION, Browser
from harness.functions import started_authorizer
from harness.product import DOMAIN, Product, started_product
from local.logto.contoso import default_tenant
from local.logto.server import running
from local.table import isolate_from_aws

ROUNDS = 15
ACCESS_LOG_BYTES = 420
"""The length of a line in the API's access log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request. Times are milliseconds of the handler on this machine, calls included."""

    name: str
    milliseconds: float
    calls: tuple[str, ...]
    logto: int
    reads: float
    writes: float
    log_bytes: int


@dataclass(slots=True)
class Recorder:
    """Records the calls to DynamoDB: the operation, and the kinds of its items."""

    calls: list[tuple[str, list[str]]]

    def note(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        body = json.loads(params["body"])
        self.calls.append((model.name, [key.partition("#")[0] for key in _keys(body)]))


def measured() -> list[Request]:
    """Measure every request of a sign-in, and an authorized request."""
    isolate_from_aws(os.environ)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = f"http://{host}:{port}"
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            running(default_tenant(f"https://{DOMAIN}")) as stand_in,
            started_product(stand_in) as product,
        ):
            return list(_requests(product))
    finally:
        server.stop()


def _requests(product: Product) -> Iterator[Request]:
    recorder = Recorder([])
    product.client.meta.events.register("before-call.dynamodb", recorder.note)
    product.sign_in(product.browser())  # loads keys, metadata and modules
    with started_authorizer(product) as authorizer, _signed_in(product) as browser:
        authorizer.ask(browser)
        sizes = _sizes(product)
        here = {**NAVIGATION, "sec-fetch-site": "same-origin"}
        callback = {"url": ""}

        def at_logto(fresh: Browser) -> None:
            callback["url"] = product.at_logto(fresh.get("/sign-in").location)

        def nothing(_: Browser) -> None:
            """Prepare nothing."""

        def signed_in(fresh: Browser) -> None:
            product.sign_in(fresh)

        steps: list[tuple[str, Callable[[Browser], Any], Callable[[Browser], Any]]] = [
            ("GET / (signed out)", nothing, lambda b: b.get("/")),
            ("GET /sign-in", nothing, lambda b: b.get("/sign-in")),
            ("GET /callback", at_logto, lambda b: b.get(callback["url"])),
            ("GET / (signed in)", signed_in, lambda b: b.get("/")),
            ("GET /sign-out", signed_in, lambda b: b.get("/sign-out", here)),
            ("an authorized request", signed_in, authorizer.ask),
        ]
        for name, before, act in steps:
            yield _measure(name, before, act, product, recorder, sizes)


def _measure(
    name: str,
    before: Callable[[Browser], Any],
    act: Callable[[Browser], Any],
    product: Product,
    recorder: Recorder,
    sizes: Mapping[str, int],
) -> Request:
    times, printed = [], io.StringIO()
    for _ in range(ROUNDS):
        browser = product.browser()
        before(browser)
        product.forget_counts()
        recorder.calls.clear()
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            started = time.perf_counter()
            act(browser)
            times.append((time.perf_counter() - started) * 1000)
    units = [_units(operation, kinds, sizes) for operation, kinds in recorder.calls]
    return Request(
        name=name,
        milliseconds=median(times),
        calls=tuple(operation for operation, _ in recorder.calls),
        logto=len(product.stand_in.requests),
        reads=sum(reads for reads, _ in units),
        writes=sum(writes for _, writes in units),
        log_bytes=len(printed.getvalue().encode()),
    )


@contextmanager
def _signed_in(product: Product) -> Iterator[Browser]:
    browser = product.browser()
    product.sign_in(browser)
    browser.get("/sign-in")  # leaves a transaction, so that its size can be read
    yield browser


def _units(operation: str, kinds: list[str], sizes: Mapping[str, int]) -> tuple[float, float]:
    """Read and write units: reads are strongly consistent, transactions write twice."""
    if operation in ("GetItem", "BatchGetItem"):
        return sum(_blocks(sizes.get(kind, 1), 4096) for kind in kinds), 0
    factor = 2 if operation == "TransactWriteItems" else 1
    return 0, factor * sum(_blocks(sizes.get(kind, 1), 1024) for kind in kinds)


def _blocks(size: int, block: int) -> int:
    return max(1, -(-size // block))


def _sizes(product: Product) -> dict[str, int]:
    """The largest item of each kind, in bytes as DynamoDB counts them: names and values."""
    found: dict[str, int] = {}
    for item in product.client.scan(TableName=product.table_name)["Items"]:
        kind = str(item["pk"]["S"]).partition("#")[0]
        size = sum(len(name) + _size(value) for name, value in item.items())
        found[kind] = max(found.get(kind, 0), size)
    return found


def _size(value: Any) -> int:
    ((kind, content),) = value.items()
    if kind == "SS":
        return sum(len(entry) for entry in content)
    return len(content) if kind in ("S", "B") else 8


def _keys(body: Any) -> Iterator[str]:
    """Find every `pk` in a request, as a key or in an item."""
    if isinstance(body, dict):
        key = body.get("pk")
        if isinstance(key, dict) and "S" in key:
            yield key["S"]
        for value in body.values():
            yield from _keys(value)
    elif isinstance(body, list):
        for value in body:
            yield from _keys(value)
