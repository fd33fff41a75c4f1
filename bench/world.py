"""Logto's stand-in and the table in a process of their own, so that a measured function shares no
interpreter with them; told what to do over a pipe."""

import multiprocessing
import os
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any

from bench.counted import CountedLogto, CountedTable, Counts
from bench.units import ACCOUNT, REGION
from harness.kept_table import kept_table
from harness.product import DOMAIN

_SPAWN = multiprocessing.get_context("spawn")


class World:
    """Their addresses, and what can be asked of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.logto, self.table = connection.recv()

    def new_table(self) -> str:
        """The name of a new, empty table."""
        name: str = self._ask("new_table")
        return name

    def clear(self) -> None:
        """Forget what has been counted."""
        self._ask("clear")

    def counts(self) -> list[dict[str, Any]]:
        """Every call since `clear`."""
        rows: list[dict[str, Any]] = self._ask("counts")
        return rows

    def fill(self, table: str, rows: int) -> None:
        """Put sessions of strangers into a table, past its API, until it holds so many rows."""
        self._ask("fill", table, rows)

    def groups(self, count: int) -> None:
        """Give Alice so many groups in Entra."""
        self._ask("groups", count)

    def resources(self, count: int) -> None:
        """Register so many API resources."""
        self._ask("resources", count)

    def memory(self) -> int:
        """Bytes that this process holds at the moment."""
        size: int = self._ask("memory")
        return size

    def _ask(self, name: str, *arguments: Any) -> Any:
        self._connection.send((name, arguments))
        failed, answer = self._connection.recv()
        if failed:
            raise RuntimeError(f"{name}: {answer}")
        return answer


def group(number: int) -> str:
    """The object id of one of Alice's groups."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"group-{number}"))


def resource(number: int) -> str:
    """The indicator of an API resource."""
    return f"https://api{number}.example.test/"


@contextmanager
def world() -> Iterator[World]:
    """A fresh stand-in and table while the context lasts."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield World(ours)
    finally:
        ours.close()
        process.join(timeout=10)
        process.kill()


def _serve(connection: Connection) -> None:
    from local.table import isolate_from_aws

    isolate_from_aws(os.environ)
    with ExitStack() as parts:
        answers = _Answers(parts)
        connection.send((answers.logto, answers.table))
        while True:
            try:
                name, arguments = connection.recv()
            except EOFError:
                return
            try:
                connection.send((False, getattr(answers, name)(*arguments)))
            except Exception as failure:  # noqa: BLE001 - told to whoever asked
                connection.send((True, repr(failure)))


class _Rows(defaultdict[Any, Any]):
    """Rows that a transaction does not copy: moto copies the whole table to undo a failed one."""

    def __deepcopy__(self, memory: Any) -> "_Rows":
        return self


class _Answers:
    def __init__(self, parts: ExitStack) -> None:
        from local.logto.contoso import default_tenant
        from local.logto.server import create_app
        from local.logto.state import StandInState
        from local.serving import listen, serving

        self._counts = Counts()
        sockets = listen(("127.0.0.1",), 0)
        self.logto = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
        self._tenant = default_tenant(f"https://{DOMAIN}")
        state = StandInState(tenant=self._tenant, url=self.logto, clock=time.time)
        app = CountedLogto(create_app(state, lambda *_: None), self._counts)
        parts.enter_context(serving(app, sockets, name="logto"))
        self.table = parts.enter_context(kept_table(lambda app: CountedTable(app, self._counts)))

    def new_table(self) -> str:
        import boto3

        from harness.tables import new_table

        client = boto3.client("dynamodb", endpoint_url=self.table)
        name = new_table(client)
        client.close()
        return name

    def clear(self) -> None:
        self._counts.clear()

    def counts(self) -> list[dict[str, Any]]:
        return self._counts.report()

    def fill(self, table: str, rows: int) -> None:
        from moto.backends import get_backend
        from moto.dynamodb.models.dynamo_type import DynamoType, Item

        from shared.store.keys import ItemKey

        kept: Any = get_backend("dynamodb")[ACCOUNT][REGION].tables[table]
        if not isinstance(kept.items, _Rows):
            kept.items = _Rows(dict, kept.items)
        items = kept.items
        there = sum(map(len, items.values()))
        attributes = {
            "sealed": {"B": "A" * 2000},
            "expires_at": {"N": str(int(time.time()) + 3600)},
        }
        alone = DynamoType(ItemKey("x").attributes["sk"])
        shared = {alone: Item(DynamoType({"S": "x"}), alone, attributes)}
        for number in range(rows - there):
            items[DynamoType({"S": f"session#stranger-{number}"})] = shared

    def groups(self, count: int) -> None:
        self._tenant.users["alice0000001"].groups = tuple(group(n) for n in range(count))

    def resources(self, count: int) -> None:
        from local.logto.tenant import Resource

        for number in range(count):
            indicator = resource(number)
            self._tenant.resources[indicator] = Resource(
                indicator=indicator, scopes={"read:orders": ("buyer",)}
            )

    def memory(self) -> int:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
