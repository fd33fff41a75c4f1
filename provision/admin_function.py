"""Invoking a deployment's admin function: on AWS, or in this process against the local stack."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

PROOF_SECONDS = 60
"""How long the proof of who calls may be used."""


class ActionRefused(Exception):
    """What the deployment or AWS refuses; the text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AdminFunction:
    """A deployment's admin function. `invoke` takes an event and gives the answer."""

    invoke: Callable[[dict[str, Any]], dict[str, Any]]
    proof: Callable[[], str]

    def __call__(self, action: str, **values: str | None) -> dict[str, Any]:
        """The answer to an action. Raises ActionRefused."""
        given = {name: value for name, value in values.items() if value is not None}
        try:
            answer = self.invoke({"action": action, "caller": self.proof(), **given})
        except (BotoCoreError, ClientError) as failure:
            raise ActionRefused(str(failure)) from None
        if answer.get("ok") is not True:
            raise ActionRefused(f"{answer.get('error')}: {answer.get('message')}")
        return answer


def stack_function(
    stack: str, function: str | None, region: str | None, profile: str | None
) -> AdminFunction:
    """The admin function of a stack, or the one named. Raises ActionRefused."""
    try:
        session = boto3.Session(region_name=region, profile_name=profile)
        name = function or _output(session, stack, "AdminFunctionName")
        client = session.client("lambda")
    except (BotoCoreError, ClientError) as failure:
        raise ActionRefused(str(failure)) from None

    def invoke(event: dict[str, Any]) -> dict[str, Any]:
        answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        read: Any = json.loads(answer["Payload"].read())
        if "FunctionError" in answer or not isinstance(read, dict):
            raise ActionRefused(f"{name} failed: see its log")
        return read

    return AdminFunction(invoke=invoke, proof=lambda: _proof(session))


def local_function() -> AdminFunction:
    """The admin function over the table of the stack that runs on this machine.

    There is no IAM here and nobody to prove anything to: the caller is whoever runs the command.
    """
    from functions.admin.application import make_handler
    from local.options import ROOT, read_options
    from local.stack import functions_environment
    from local.table import isolate_from_aws
    from shared.bootstrap import compose

    options = read_options(os.environ, ROOT / ".env")
    isolate_from_aws(os.environ)
    os.environ.update(functions_environment(options))
    services = compose(os.environ, service="admin", needs_app_secret=False)
    handler = make_handler(services, lambda _: "local")
    return AdminFunction(invoke=lambda event: handler(event, None), proof=lambda: "")


def _proof(session: boto3.Session) -> str:
    """A signed request for the caller's identity, which proves who signed it."""
    url: str = session.client("sts").generate_presigned_url(
        "get_caller_identity", ExpiresIn=PROOF_SECONDS, HttpMethod="GET"
    )
    return url


def _output(session: boto3.Session, stack: str, name: str) -> str:
    (described,) = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    for output in described.get("Outputs", []):
        if output["OutputKey"] == name:
            return str(output["OutputValue"])
    raise ActionRefused(f"the stack {stack} has no output {name}: is it deployed?")
