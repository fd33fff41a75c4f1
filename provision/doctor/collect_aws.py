"""Collect what AWS says about a deployed stack: its table, its aliases and its alarms."""

from collections.abc import Callable

import boto3
from botocore.exceptions import ClientError

from provision.aws import aws_errors_translated
from provision.doctor.observed import NotObserved, ObservedStack, ObservedTable
from provision.errors import ProvisionFailed
from provision.stack import Stack
from provision.waiting import waiting_for

NO_STACK = NotObserved("No stack was named (--stack-name).")


def collect_table(session: boto3.Session, stack: Stack) -> ObservedTable | NotObserved | None:
    """Describe the stack's table; None if there is none."""
    name = stack.outputs.get("TableName") or stack.resources.get("Table")
    return _or_not_observed(lambda: _table(session, name)) if name else None


def collect_stack(session: boto3.Session, stack: Stack) -> ObservedStack | NotObserved:
    """Describe the stack with the states of its alarms."""
    alarms = [n for n, kind in stack.kinds.items() if kind == "AWS::CloudWatch::Alarm"]
    aliases = [n for n, kind in stack.kinds.items() if kind == "AWS::Lambda::Alias"]

    def described() -> ObservedStack:
        return ObservedStack(
            name=stack.name,
            outputs=stack.outputs,
            aliases=tuple(sorted(aliases)),
            alarms=_states(session, [stack.resources[name] for name in alarms]),
        )

    return _or_not_observed(described)


def _table(session: boto3.Session, name: str) -> ObservedTable | None:
    client = session.client("dynamodb")
    with waiting_for("DynamoDB"), aws_errors_translated(f"reading the table {name}"):
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
    return ObservedTable(
        name=name,
        key=tuple(part["AttributeName"] for part in described["KeySchema"]),
        ttl_attribute=ttl.get("AttributeName") if on else None,
        point_in_time_recovery=recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
        deletion_protection=described.get("DeletionProtectionEnabled") is True,
    )


def _states(session: boto3.Session, names: list[str]) -> dict[str, str]:
    if not names:
        return {}  # without names, AWS would list every alarm of the account
    with waiting_for("CloudWatch"), aws_errors_translated("reading the alarms"):
        pages = session.client("cloudwatch").get_paginator("describe_alarms")
        found = [one for p in pages.paginate(AlarmNames=names) for one in p["MetricAlarms"]]
    return {one["AlarmName"]: one["StateValue"] for one in found}


def _or_not_observed[T](collect: Callable[[], T]) -> T | NotObserved:
    try:
        return collect()
    except ProvisionFailed as failure:
        return NotObserved(str(failure))
