"""Looking at a deployed stack: its table, its aliases and its alarms."""

from collections.abc import Callable

import boto3
from botocore.exceptions import ClientError

from provision.doctor.observed import Deployed, Table, Unseen
from provision.errors import ProvisionFailed
from provision.stack import Stack, translated

NO_STACK = Unseen("no stack was named (--stack-name)")


def look_at_table(session: boto3.Session, stack: Stack) -> Table | Unseen | None:
    """The stack's table; None where there is none."""
    name = stack.outputs.get("TableName") or stack.resources.get("Table")
    return _or_unseen(lambda: _table(session, name)) if name else None


def look_at_stack(session: boto3.Session, stack: Stack) -> Deployed | Unseen:
    """What a stack has beside its resources' names."""
    alarms = [n for n, kind in stack.kinds.items() if kind == "AWS::CloudWatch::Alarm"]
    aliases = [n for n, kind in stack.kinds.items() if kind == "AWS::Lambda::Alias"]

    def look() -> Deployed:
        return Deployed(
            name=stack.name,
            outputs=stack.outputs,
            aliases=tuple(sorted(aliases)),
            alarms=_states(session, [stack.resources[name] for name in alarms]),
        )

    return _or_unseen(look)


def _table(session: boto3.Session, name: str) -> Table | None:
    client = session.client("dynamodb")
    with translated(f"reading the table {name}"):
        try:
            described = client.describe_table(TableName=name)["Table"]
        except ClientError as failure:
            if failure.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        backups = client.describe_continuous_backups(TableName=name)
    recovery = backups["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    on = ttl.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    return Table(
        name=name,
        key=tuple(part["AttributeName"] for part in described["KeySchema"]),
        ttl_attribute=ttl.get("AttributeName") if on else None,
        point_in_time_recovery=recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
        deletion_protection=described.get("DeletionProtectionEnabled") is True,
    )


def _states(session: boto3.Session, names: list[str]) -> dict[str, str]:
    if not names:
        return {}
    with translated("reading the alarms"):
        pages = session.client("cloudwatch").get_paginator("describe_alarms")
        found = [one for p in pages.paginate(AlarmNames=names) for one in p["MetricAlarms"]]
    return {one["AlarmName"]: one["StateValue"] for one in found}


def _or_unseen[T](look: Callable[[], T]) -> T | Unseen:
    try:
        return look()
    except ProvisionFailed as failure:
        return Unseen(str(failure))
