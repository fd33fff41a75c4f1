"""Lambda SnapStart: what is made before the snapshot of a process, and what is not kept from it.

A published version is started once, frozen, and restored from the snapshot for every process. What
takes time and is the same for everybody is done before: imports, clients, pages, Logto's metadata
and keys. Connections end with the snapshot. Nothing random is made before it: secrets, `state` and
nonces come from the operating system when they are needed, which Lambda seeds anew at each restore;
and no request, so no user, has been seen by then. The application's secret is not read either.
How old metadata and keys are is judged by the clock at each use (`shared.oidc.provider`), so a
process restored from last week's snapshot asks Logto anew.

Elsewhere nothing of this is loaded, and a process starts as lean as it can.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from shared.errors import SignInError
from shared.services import Services

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


def on_snapshots(
    environment: Mapping[str, str], services: Services, prepare: Callable[[], object]
) -> "AbstractEventLoop | None":
    """Register the runtime's hooks where Lambda is going to take a snapshot of this process.

    `prepare` loads what the function would load at its first request. The answer is the event loop
    that the hooks run on, which is to be the handler's as well; None where there is no snapshot.
    """
    if environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "snap-start":
        return None
    import asyncio

    # Part of the runtime, as boto3 is.
    from snapshot_restore_py import register_after_restore, register_before_snapshot

    loop = asyncio.new_event_loop()

    def before() -> None:
        prepare()
        loop.run_until_complete(_before(services))

    def after() -> None:
        # Whatever was open ended in the snapshot; nobody may send on it.
        loop.run_until_complete(services.close_connections())

    register_before_snapshot(before)
    register_after_restore(after)
    return loop


async def _before(services: Services) -> None:
    """Fetch metadata and keys, and leave no connection open.

    Logto being away fails no deployment: the first request asks it then, as without a snapshot.
    """
    try:
        await services.provider().known()
    except SignInError as failure:
        services.observer.problem("snapshot without metadata", reason=failure.error)
    await services.close_connections()
