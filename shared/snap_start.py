"""Lambda SnapStart: what is done before the snapshot of a process, and what is not kept from it.

A published version is started once, frozen, and restored from the snapshot for every process. What
takes time and is the same for everybody is done before: imports, clients, pages, Logto's metadata
and keys. Connections end with the snapshot. Nothing random is made before it: secrets, `state` and
nonces come from the operating system when they are needed, which Lambda seeds anew at each restore;
and no request, so no user, has been seen by then. The application's secret is not read either. The
age of metadata and keys is judged by the clock at each use (`shared.oidc.provider`), so a process
restored from last week's snapshot fetches them again.

Without SnapStart nothing of this is loaded, and a process starts as lean as it can.
"""

from collections.abc import Callable, Mapping

from shared.errors import SignInError
from shared.services import Services


def on_snapshots(
    environment: Mapping[str, str], services: Services, prepare: Callable[[], object]
) -> None:
    """Register the runtime's hooks if Lambda is going to take a snapshot of this process.

    `prepare` loads what the function would load at its first request.
    """
    if environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "snap-start":
        return

    # Part of the runtime, as boto3 is.
    from snapshot_restore_py import register_after_restore, register_before_snapshot

    def before() -> None:
        prepare()
        _fetch_metadata(services.begin(services.limits.init_seconds))
        services.close_connections()

    register_before_snapshot(before)
    # Whatever was open ended in the snapshot; nothing may be sent on it.
    register_after_restore(services.close_connections)


def _fetch_metadata(services: Services) -> None:
    """Fetch metadata and keys. An outage of Logto fails no deployment: the first request asks."""
    try:
        services.provider().metadata(services.deadline)
    except SignInError as failure:
        services.observer.problem("snapshot without metadata", reason=failure.error)
