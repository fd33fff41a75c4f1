"""Prepare a process for Lambda SnapStart.

Lambda starts a published version once, and restores every process from a snapshot of it. Slow work
that is the same for all of them is done before: imports, clients, pages, and fetching Logto's
metadata and keys, whose age is checked at each use. Nothing in the snapshot is secret or random: no
request has been served, and Lambda seeds its generator again at each restore.
"""

from collections.abc import Callable, Mapping

from shared.errors import SignInError
from shared.services import Services


def on_snapshots(
    environment: Mapping[str, str], services: Services, prepare: Callable[[], object]
) -> None:
    """Register hooks if Lambda takes a snapshot; `prepare` loads what the first request would."""
    if environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "snap-start":
        return

    # Lambda's runtime provides this module.
    from snapshot_restore_py import register_after_restore, register_before_snapshot

    def before() -> None:
        prepare()
        _fetch_metadata(services.begin(services.limits.init_seconds))
        services.close_connections()

    register_before_snapshot(before)
    # A connection in the snapshot is dead after the restore: nothing may be sent on it.
    register_after_restore(services.close_connections)


def _fetch_metadata(services: Services) -> None:
    """Fetch metadata and keys. Best effort: if Logto is down, the first request fetches them."""
    try:
        services.provider().metadata(services.deadline)
    except SignInError as failure:
        services.observer.problem("snapshot without metadata", reason=failure.error)
