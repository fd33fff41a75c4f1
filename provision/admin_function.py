"""Invoke the admin function of a deployment: on AWS, or of the stack that `make up` runs."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.awsrequest import AWSRequest

from provision.aws import aws_errors_translated, aws_session
from provision.errors import ActionRefused
from provision.waiting import waiting_for

Event = dict[str, Any]

PROOF_SECONDS: Final = 60
"""How long the proof of the caller's identity can be used."""
AUDIENCE_HEADER: Final = "x-admin-function"
"""The signed header that names the function; `functions.admin.caller` sends it to STS."""
_LOCAL_PROGRAM: Final = "local.admin"


@dataclass(frozen=True, kw_only=True, slots=True)
class AdminFunction:
    """The admin function of one deployment. `invoke` takes an event and returns the answer."""

    invoke: Callable[[Event], Event]
    proof: Callable[[], str]

    def __call__(self, action: str, **values: str | None) -> Event:
        """Run an action and return its answer. Raises ProvisionFailed."""
        given = {name: value for name, value in values.items() if value is not None}
        answer = self.invoke({"action": action, "caller": self.proof(), **given})
        if answer.get("ok") is not True:
            raise ActionRefused(f"{answer.get('error')}: {answer.get('message')}")
        return answer


def deployed_function(
    stack: str, function: str | None, region: str | None, profile: str | None
) -> AdminFunction:
    """Find the admin function of a stack, or take the named function. Raises ProvisionFailed."""
    session = aws_session(region, profile)
    used = session.profile_name
    with (
        waiting_for("CloudFormation"),
        aws_errors_translated(f"reading the stack {stack}", profile=used),
    ):
        name = function or _output(session, stack, "AdminFunctionName")
    what = f"invoking the function {name}"
    with aws_errors_translated(what, profile=used):
        client = session.client("lambda")

    def invoke(event: Event) -> Event:
        with waiting_for("the admin function"), aws_errors_translated(what, profile=used):
            answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
            read: Any = json.loads(answer["Payload"].read())
        if "FunctionError" in answer or not isinstance(read, dict):
            raise ActionRefused(f"The function {name} failed.", "See its log.")
        return read

    def proof() -> str:
        with aws_errors_translated(what, profile=used):
            return caller_proof(session, name)

    return AdminFunction(invoke=invoke, proof=proof)


def local_function() -> AdminFunction:
    """Return the admin function over the table of the stack that `make up` runs.

    There is no IAM on this machine, so the caller proves nothing.
    """
    return AdminFunction(invoke=_invoke_local, proof=lambda: "")


def _invoke_local(event: Event) -> Event:
    # A program of its own, not an import: `local` is the development stack and imports this
    # package, so the arrow must not point back. Its settings stay out of this process, too.
    with waiting_for("the local stack"):
        ended = subprocess.run(  # noqa: S603 - this interpreter, and a fixed module
            [sys.executable, "-m", _LOCAL_PROGRAM],
            input=json.dumps(event),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            process_group=0,  # Ctrl-C reaches this process alone, which then ends the other
        )
    if ended.returncode != 0:
        raise ActionRefused(
            "The admin function of the local stack failed.", "See the message above."
        )
    answer: Event = json.loads(ended.stdout)
    return answer


def caller_proof(session: boto3.Session, function: str) -> str:
    """Sign a request to STS for the caller's own identity, which the function sends.

    Only the holder of the key can make it. `function` is a name, an ARN or a part of one, and may
    have a qualifier; the function's name is signed as a header, so no other function can use it.
    """
    name = function.rpartition(":function:")[2].partition(":")[0]

    def sign_audience(request: AWSRequest, **_: object) -> None:
        request.headers[AUDIENCE_HEADER] = name

    client = session.client("sts")
    client.meta.events.register("before-sign.sts.GetCallerIdentity", sign_audience)
    url: str = client.generate_presigned_url(
        "get_caller_identity", ExpiresIn=PROOF_SECONDS, HttpMethod="GET"
    )
    return url


def _output(session: boto3.Session, stack: str, name: str) -> str:
    (described,) = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    for output in described.get("Outputs", []):
        if output["OutputKey"] == name:
            return str(output["OutputValue"])
    raise ActionRefused(
        f"The stack {stack} has no output {name}.", "Deploy this product under that name."
    )
