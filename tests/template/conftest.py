"""A stack of the expanded template on moto's server, with the resources that moto has."""

import io
import json
import logging
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import boto3
import pytest

from harness.functions import SIGNING_KEY
from tests.support.expansion import BUCKET, CODE, REGION, decided, expanded, parameters

IN_MOTO = {
    "AWS::DynamoDB::Table",
    "AWS::IAM::Role",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
}
NOT_IN_MOTO = {
    "ServerlessDeploymentApplication": "application",
    "HttpApi": "api",
    "ParameterVersion": "1",
}
"""Resources that moto lacks and others refer to, with the names that replace them."""
SECRETS = {"AppSecret": "local-app-secret", "WebhookSigningKey": SIGNING_KEY}
"""moto has secrets, but not as resources of a stack."""


@pytest.fixture(autouse=True)
def quiet_translator() -> Iterator[None]:
    """Silence SAM's translator, which logs each feature flag that is not set."""
    logging.getLogger("samtranslator").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("samtranslator").setLevel(logging.NOTSET)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """A stack: clients for it, and the physical id of each resource by its logical one."""

    name: str
    url: str

    def client(self, service: str, region: str = REGION) -> Any:
        return cast(Any, boto3).client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    @property
    def made(self) -> dict[str, str]:
        cloudformation = self.client("cloudformation")
        listed = cloudformation.list_stack_resources(StackName=self.name)
        return {
            entry["LogicalResourceId"]: entry["PhysicalResourceId"]
            for entry in listed["StackResourceSummaries"]
        }


@pytest.fixture(scope="module")
def create_stack(moto_url: str) -> Callable[..., Stack]:
    """Return a function that creates a stack of the template with these parameters."""

    def create(**given: str) -> Stack:
        stack = Stack(name=f"sign-in-{uuid.uuid4().hex[:8]}", url=moto_url)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as written:
            written.writestr("nothing.py", "")
        s3 = stack.client("s3", "us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key=CODE, Body=archive.getvalue())
        values = parameters(**given)
        template = decided(expanded(values), values)
        template["Resources"] = {
            name: resource
            for name, resource in template["Resources"].items()
            if resource["Type"] in IN_MOTO and name != "CodeDeployServiceRole"
        }
        template["Outputs"] = {}
        text = json.dumps({n: v for n, v in template.items() if n not in ("Metadata", "Rules")})
        secrets = stack.client("secretsmanager")
        stand_ins = NOT_IN_MOTO | {
            name: secrets.create_secret(Name=f"{stack.name}-{name}", SecretString=value)["ARN"]
            for name, value in SECRETS.items()
        }
        for name, stand_in in stand_ins.items():
            text = text.replace(f"${{{name}}}", stand_in)
            text = text.replace(json.dumps({"Ref": name}), json.dumps(stand_in))
        stack.client("cloudformation").create_stack(
            StackName=stack.name, TemplateBody=text, Capabilities=["CAPABILITY_IAM"]
        )
        return stack

    return create
