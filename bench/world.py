"""The stand-in for Logto and the table, in a process of their own that takes commands over a pipe.

A measured function shares no interpreter with them.
"""

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
    """The addresses of both, and the commands that their process takes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.logto, self.table = connection.recv()

    def new_table(self) -> str:
        """Create an empty table; its name."""
        name: str = self._command("new_table")
        return name

    def clear(self) -> None:
        """Forget the calls that have been counted."""
        self._command("clear")

    def counts(self) -> list[dict[str, Any]]:
        """The calls since the last `clear`."""
        rows: list[dict[str, Any]] = self._command("counts")
        return rows

    def fill(self, table: str, rows: int) -> None:
        """Write sessions of other users to moto's memory, until the table has so many rows."""
        self._command("fill", table, rows)

    def groups(self, count: int) -> None:
        """Put Alice into so many Entra groups."""
        self._command("groups", count)

    def resources(self, count: int) -> None:
        """Register so many API resources at Logto."""
        self._command("resources", count)

    def memory(self) -> int:
        """Bytes of memory that the process holds."""
        size: int = self._command("memory")
        return size

    def _command(self, name: str, *arguments: Any) -> Any:
        self._connection.send((name, arguments))
        failed, answer = self._connection.recv()
        if failed:
            raise RuntimeError(f"{name}: {answer}")
        return answer


def group(number: int) -> str:
    """Make the object id of one of Alice's groups."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"group-{number}"))


def resource(number: int) -> str:
    """Make the indicator of an API resource."""
    return f"https://api{number}.example.test/"


@contextmanager
def running_world() -> Iterator[World]:
    """Run a new stand-in and table while the context lasts."""
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
        servers = _Servers(parts)
        connection.send((servers.logto, servers.table))
        while True:
            try:
                name, arguments = connection.recv()
            except EOFError:
                return
            try:
                connection.send((False, getattr(servers, name)(*arguments)))
            except Exception as failure:  # noqa: BLE001 - raised in the caller's process
                connection.send((True, repr(failure)))


class _Rows(defaultdict[Any, Any]):
    """Rows that are never copied: moto copies the whole table to undo a failed transaction."""

    def __deepcopy__(self, memory: Any) -> "_Rows":
        return self


class _Servers:
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
