"""A deployed stack: its outputs, parameters and resources; and secrets by their ARN."""

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from provision.aws import aws_errors_translated
from provision.errors import ProvisionFailed
from provision.waiting import waiting_for
from shared.errors import Misconfigured
from shared.oidc.client_secret import plain_secret


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """What CloudFormation knows about a stack. `resources` are physical ids by logical id."""

    name: str
    outputs: dict[str, str]
    parameters: dict[str, str]
    resources: dict[str, str]
    kinds: dict[str, str]
    """Types of resources, by logical id."""

    @property
    def base_url(self) -> str:
        """The URL that browsers use. Raises ProvisionFailed if it is another product's stack."""
        if "HomeUrl" not in self.outputs:
            raise ProvisionFailed(
                f"The stack {self.name} has no output HomeUrl.",
                "Deploy this product under that name.",
            )
        return self.outputs["HomeUrl"].rstrip("/")

    @property
    def app_secret_arn(self) -> str | None:
        return self._secret_arn("LogtoAppSecretArn", "AppSecret")

    @property
    def signing_key_arn(self) -> str | None:
        return self._secret_arn("LogtoWebhookSigningKeyArn", "WebhookSigningKey")

    def _secret_arn(self, parameter: str, resource: str) -> str | None:
        """Return the ARN of a secret: the one in the parameter, else the stack's own."""
        return self.parameters.get(parameter) or self.resources.get(resource)


def read_stack(session: boto3.Session, name: str) -> Stack:
    """Describe a stack. Raises ProvisionFailed."""
    with (
        waiting_for("CloudFormation"),
        aws_errors_translated(f"reading the stack {name}", profile=session.profile_name),
    ):
        client = session.client("cloudformation")
        (described,) = client.describe_stacks(StackName=name)["Stacks"]
        pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
        listed: list[Any] = [one for page in pages for one in page["StackResourceSummaries"]]
    return Stack(
        name=name,
        outputs={o["OutputKey"]: o["OutputValue"] for o in described.get("Outputs", [])},
        parameters={
            p["ParameterKey"]: p.get("ParameterValue", "") for p in described.get("Parameters", [])
        },
        resources={r["LogicalResourceId"]: r.get("PhysicalResourceId", "") for r in listed},
        kinds={r["LogicalResourceId"]: r["ResourceType"] for r in listed},
    )


class StoredSecret:
    """A secret in Secrets Manager, or an SSM SecureString, by its ARN.

    `member` is the member that holds it if the stored text is a JSON object.
    """

    def __init__(self, session: boto3.Session, arn: str, *, member: str | None) -> None:
        self.arn = arn
        self._session = session
        self._member = member
        self._is_parameter = arn.split(":")[2:3] == ["ssm"]

    @property
    def _service(self) -> str:
        return "Parameter Store" if self._is_parameter else "Secrets Manager"

    def _errors_translated(self, what: str) -> AbstractContextManager[None]:
        return aws_errors_translated(what, profile=self._session.profile_name)

    def read(self) -> str | None:
        """Return the secret; None if it has no value yet. Raises ProvisionFailed."""
        text = self._text()
        try:
            return plain_secret(text, member=self._member) if text else None
        except Misconfigured:
            return None

    def write(self, secret: str) -> None:
        """Store the secret; other members of a JSON object stay. Raises ProvisionFailed."""
        text = self._with(secret)
        with waiting_for(self._service), self._errors_translated("writing a secret"):
            if self._is_parameter:
                self._put_parameter(text)
            else:
                client = self._session.client("secretsmanager")
                client.put_secret_value(SecretId=self.arn, SecretString=text)

    def _with(self, secret: str) -> str:
        try:
            stored = json.loads(self._text() or "")
        except ValueError:
            return secret
        if self._member is None or not isinstance(stored, dict):
            return secret
        return json.dumps({**stored, self._member: secret})

    def _put_parameter(self, text: str) -> None:
        """Put a new version under the KMS key that the parameter already has."""
        path = self.arn.partition(":parameter/")[2]
        # In an ARN every name follows a slash; in the API, only a name with a path begins with one.
        name = f"/{path}" if "/" in path else path
        client = self._session.client("ssm")
        known = client.describe_parameters(
            ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [name]}]
        )["Parameters"]
        key: dict[str, Any] = {"KeyId": known[0]["KeyId"]} if known and "KeyId" in known[0] else {}
        client.put_parameter(Name=name, Value=text, Type="SecureString", Overwrite=True, **key)

    def _text(self) -> str | None:
        try:
            with waiting_for(self._service), self._errors_translated("reading a secret"):
                return self._fetch()
        except _SecretMissing:
            return None

    def _fetch(self) -> str:
        try:
            if self._is_parameter:
                client = self._session.client("ssm")
                found = client.get_parameter(Name=self.arn, WithDecryption=True)
                return str(found["Parameter"]["Value"])
            answer = self._session.client("secretsmanager").get_secret_value(SecretId=self.arn)
            return str(answer.get("SecretString", ""))
        except ClientError as failure:
            if failure.response["Error"]["Code"] in (
                "ResourceNotFoundException",
                "ParameterNotFound",
            ):
                raise _SecretMissing from None
            raise


class _SecretMissing(Exception):
    """There is no such secret, or it has no value."""
