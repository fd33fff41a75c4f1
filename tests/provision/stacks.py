"""A stack on moto's server, with everything that the commands read.

moto's CloudFormation creates neither secrets nor alarms nor aliases. Their own services create
them here, and the list of the stack's resources is completed with them.
"""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import boto3

OUTPUTS = {
    "HomeUrl": "{url}/",
    "RedirectUri": "{url}/callback",
    "PostSignOutRedirectUri": "{url}/signed-out",
    "BackchannelLogoutUri": "{url}/backchannel-logout",
    "WebhookUrl": "{url}/webhooks/logto",
    "AuthFunctionName": "auth",
    "AdminFunctionName": "admin",
}


@dataclass(kw_only=True)
class FakeStack:
    """A stack. `resources` are types and physical ids by logical id.

    `outputs` and `parameters` replace its own; an output that is None does not exist.
    """

    name: str
    resources: dict[str, tuple[str, str]] = field(default_factory=dict)
    outputs: dict[str, str | None] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)

    def session(self, region: str | None, profile: str | None) -> boto3.Session:
        """Return a session in which the stack is complete."""
        session = boto3.Session(region_name=region, profile_name=profile)
        session.events.register("after-call.cloudformation.ListStackResources", self._complete)
        session.events.register("after-call.cloudformation.DescribeStacks", self._change)
        return session

    def id(self, logical: str) -> str:
        return self.resources[logical][1]

    def _complete(self, parsed: dict[str, Any], **_: Any) -> None:
        for logical, (kind, physical) in self.resources.items():
            parsed.setdefault("StackResourceSummaries", []).append(
                {
                    "LogicalResourceId": logical,
                    "PhysicalResourceId": physical,
                    "ResourceType": kind,
                }
            )

    def _change(self, parsed: dict[str, Any], **_: Any) -> None:
        for stack in parsed.get("Stacks", []):
            outputs = stack.get("Outputs", [])
            shown = {o["OutputKey"]: o["OutputValue"] for o in outputs} | self.outputs
            stack["Outputs"] = [
                {"OutputKey": name, "OutputValue": value}
                for name, value in shown.items()
                if value is not None
            ]
            given = {p["ParameterKey"]: p["ParameterValue"] for p in stack.get("Parameters", [])}
            given |= self.parameters
            stack["Parameters"] = [
                {"ParameterKey": name, "ParameterValue": value} for name, value in given.items()
            ]


def deploy(url: str, *, own_secrets: bool = True, **parameters: str) -> FakeStack:
    """Create a stack. Without `own_secrets`, its `parameters` name them."""
    name = f"signin-{uuid.uuid4().hex[:8]}"
    given = {"LogtoEndpoint": "", "LogtoAppId": "pending", **parameters}
    table = make_table(f"{name}-table")
    outputs: dict[str, Any] = {n: {"Value": v.format(url=url)} for n, v in OUTPUTS.items()}
    outputs["TableName"] = {"Value": table}
    template = {
        "Parameters": {name: {"Type": "String"} for name in given},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": outputs,
    }
    client = boto3.client("cloudformation")
    client.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": n, "ParameterValue": v} for n, v in given.items()],
    )
    client.close()
    resources = {
        "Table": ("AWS::DynamoDB::Table", table),
        "AuthFunctionAliaslive": ("AWS::Lambda::Alias", "live"),
        "AuthErrors": ("AWS::CloudWatch::Alarm", make_alarm(f"{name}-errors")),
    }
    for logical in ("AppSecret", "WebhookSigningKey") if own_secrets else ():
        arn = _secret(f"{name}-{logical}")
        resources[logical] = ("AWS::SecretsManager::Secret", arn)
    return FakeStack(name=name, resources=resources)


def stored(arn: str) -> str:
    """Return the text of a secret."""
    client = boto3.client("secretsmanager")
    text = client.get_secret_value(SecretId=arn)["SecretString"]
    client.close()
    return str(text)


def _secret(name: str) -> str:
    """Create a secret as the stack does, with a random value that Logto refuses."""
    client = boto3.client("secretsmanager")
    arn = client.create_secret(Name=name, SecretString=uuid.uuid4().hex)["ARN"]
    client.close()
    return str(arn)


def make_alarm(name: str, *, state: str = "OK") -> str:
    """Create an alarm in this state."""
    client = boto3.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName=name,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="Errors",
        Namespace="AWS/Lambda",
        Period=60,
        Statistic="Sum",
        Threshold=0,
    )
    client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")
    client.close()
    return name


def make_table(name: str, *, key: str = "sk", good: bool = True) -> str:
    client = boto3.client("dynamodb")
    client.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": key, "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": key, "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=good,
    )
    client.update_time_to_live(
        TableName=name,
        TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": good},
    )
    client.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": good},
    )
    client.close()
    return name
