"""The template expanded by SAM's translator, over the parameters that change its resources."""

import itertools
import json
import re
from graphlib import TopologicalSorter
from typing import Any

import pytest
from samcli.commands.local.lib.swagger.integration_uri import LambdaUri
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

from shared.limits import Limits
from tests.support.expansion import (
    ACCOUNT,
    PSEUDO,
    REGION,
    ROOT,
    STACK,
    broken_rules,
    decided,
    expanded,
    lint_faults,
    of_type,
    parameters,
    source,
)
from tests.template.parameters import DOMAIN, FRONT, KEY

CHOICES: list[list[dict[str, str]]] = [
    [{}, {**DOMAIN, "BasePath": "/account"}, FRONT],
    [{}, KEY],
    [{"SnapStart": "on"}, {"SnapStart": "off", "ProvisionedConcurrency": "2"}],
    [{"DeploymentPreference": "AllAtOnce"}, {"DeploymentPreference": "Canary10Percent5Minutes"}],
]
MATRIX = [
    {name: value for part in choice for name, value in part.items()}
    for choice in itertools.product(*CHOICES)
]
OTHERS: list[dict[str, str]] = [
    {"Alarms": "off"},
    {"Dashboard": "off"},
    {"AlarmEmail": "team@example.com", **KEY},
    {
        "Tracing": "on",
        "UpstreamUrl": "https://api.example.com",
        "UpstreamResource": "https://a.test",
    },
    {**DOMAIN, "HostedZoneId": ""},
    {**FRONT, "HostedZoneId": "", "WebAclArn": ""},
    {
        "LogtoAppSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf",
        "LogtoWebhookSigningKeyArn": "arn:aws:ssm:eu-central-1:123456789012:parameter/webhook",
        "LogtoAppSecretKeyArn": KEY["KmsKeyArn"],
    },
]
PUBLISHED = ("AuthFunction", "AuthorizerFunction", "NotificationsFunction")


def template_of(**given: str) -> dict[str, Any]:
    values = parameters(**given)
    return decided(expanded(values), values)


@pytest.mark.parametrize("given", MATRIX + OTHERS, ids=lambda given: "-".join(given) or "defaults")
def test_expansion_passes_the_linter_and_the_rules(given: dict[str, str]) -> None:
    assert broken_rules(parameters(**given)) == []
    assert lint_faults(template_of(**given)) == []


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"DomainName": "login.example.com"}, "DomainName needs CertificateArn"),
        ({**DOMAIN, "BaseUrl": "https://a.test"}, "DomainName says what BaseUrl would"),
        ({"CloudFront": "on"}, "CloudFront needs DomainName"),
        ({**FRONT, "BasePath": "/account"}, "CloudFront takes no BasePath"),
        ({"BasePath": "/account"}, "BasePath needs DomainName"),
        ({"ProvisionedConcurrency": "1"}, "only with SnapStart off"),
        ({"UpstreamUrl": "https://api.example.com"}, "UpstreamUrl needs UpstreamResource"),
    ],
)
def test_incompatible_parameters_are_refused(given: dict[str, str], fault: str) -> None:
    assert any(fault in told for told in broken_rules(parameters(**given)))


@pytest.mark.parametrize("given", MATRIX, ids=lambda given: "-".join(given))
def test_table_is_the_same_whatever_the_parameters_are(given: dict[str, str]) -> None:
    (table,) = of_type(template_of(**given), "AWS::DynamoDB::Table").values()
    encryption = table.pop("SSESpecification", None)
    assert (encryption is not None) == ("KmsKeyArn" in given)
    assert table == {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "DeletionProtectionEnabled": True,
    }


@pytest.mark.parametrize(("choice", "applied"), [("on", "PublishedVersions"), ("off", "None")])
def test_functions_that_users_wait_for_have_snapshots(choice: str, applied: str) -> None:
    functions = of_type(template_of(SnapStart=choice), "AWS::Lambda::Function")
    snapped = {name: f.get("SnapStart", {}).get("ApplyOn", "None") for name, f in functions.items()}
    assert snapped == {
        "AuthFunction": applied,
        "AuthorizerFunction": applied,
        "NotificationsFunction": "None",
        "AdminFunction": "None",
        "SmokeFunction": "None",
    }


@pytest.mark.parametrize(
    ("region", "partition", "applied"),
    [
        ("eu-central-1", "aws", "PublishedVersions"),
        ("ap-southeast-6", "aws", "None"),
        ("cn-north-1", "aws-cn", "None"),
        ("us-gov-west-1", "aws-us-gov", "None"),
    ],
)
def test_auto_turns_snapshots_on_if_the_region_has_them(
    region: str, partition: str, applied: str
) -> None:
    values = {**parameters(), "AWS::Partition": partition}
    template = decided(expanded(parameters()), values, region=region)
    function = of_type(template, "AWS::Lambda::Function")["AuthFunction"]
    assert function["SnapStart"]["ApplyOn"] == applied


def test_version_that_is_replaced_is_deleted() -> None:
    """Each version that stays costs its snapshot every month."""
    resources = template_of()["Resources"]
    policies = [
        resource["DeletionPolicy"]
        for resource in resources.values()
        if resource["Type"] == "AWS::Lambda::Version"
    ]
    assert policies == ["Delete"] * len(PUBLISHED)


def test_provisioned_concurrency_belongs_to_the_alias() -> None:
    template = template_of(SnapStart="off", ProvisionedConcurrency="3")
    aliases = of_type(template, "AWS::Lambda::Alias")
    kept = {alias["FunctionName"]["Ref"] for alias in aliases.values() if len(alias) > 3}
    assert kept == {"AuthFunction", "AuthorizerFunction"}
    assert all(len(alias) == 3 for alias in of_type(template_of(), "AWS::Lambda::Alias").values())


def test_traffic_reaches_functions_only_through_their_alias() -> None:
    template = template_of(UpstreamUrl="https://api.example.com", UpstreamResource="https://a.test")
    body = json.dumps(of_type(template, "AWS::ApiGatewayV2::Api")["HttpApi"]["Body"])
    for name in ("AuthFunction", "NotificationsFunction"):
        assert f"${{{name}Aliaslive}}" in body or f'"Ref": "{name}Aliaslive"' in body
        assert f"${{{name}.Arn}}" not in body
    assert body.count("${AuthorizerFunction.Arn}:live") == 2
    assert "AuthorizerFunctionAliaslive" in template["Resources"]["HttpApi"]["DependsOn"]
    for permission in of_type(template, "AWS::Lambda::Permission").values():
        named = permission["FunctionName"]
        assert named == {"Fn::Sub": "${AuthorizerFunction.Arn}:live"} or named["Ref"].endswith(
            "Aliaslive"
        )


def test_authorizer_of_bearer_tokens_is_asked_at_every_request() -> None:
    """API Gateway may refuse an empty list of sources; without one it calls, and caches nothing."""
    (api,) = of_type(template_of(), "AWS::ApiGatewayV2::Api").values()
    schemes = api["Body"]["components"]["securitySchemes"]
    written = schemes["SessionOrTokenAuthorizer"]["x-amazon-apigateway-authorizer"]
    assert "identitySource" not in written
    assert "authorizerResultTtlInSeconds" not in written


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SAM CLI's own
def test_sam_local_finds_the_authorizers() -> None:
    """It skips one whose function it cannot determine, and allows every request."""
    stacks, _ = SamLocalStackProvider.get_stacks(
        str(ROOT / "template.yaml"), parameter_overrides=parameters()
    )
    api = stacks[0].resources["HttpApi"]["Properties"]
    for entry in api["Auth"]["Authorizers"].values():
        assert LambdaUri.get_function_name(entry["FunctionArn"]) == "AuthorizerFunction"


@pytest.mark.parametrize("preference", ["AllAtOnce", "Canary10Percent5Minutes"])
def test_new_version_is_watched_by_alarms_and_smoke_checked(preference: str) -> None:
    template = template_of(DeploymentPreference=preference)
    groups = of_type(template, "AWS::CodeDeploy::DeploymentGroup")
    assert set(groups) == {f"{name}DeploymentGroup" for name in PUBLISHED}
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    for name, group in groups.items():
        watched = {alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]}
        part = name.removesuffix("FunctionDeploymentGroup")
        assert watched == {f"{part}Errors", f"{part}Problems"}
        assert watched <= set(alarms)
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        assert preference in json.dumps(group["DeploymentConfigName"])
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Alias":
            update = resource["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
            assert update["AfterAllowTrafficHook"] == {"Ref": "SmokeFunction"}
    # The role that SAM makes for CodeDeploy may invoke functions of this name alone.
    smoke = of_type(template, "AWS::Lambda::Function")["SmokeFunction"]
    assert smoke["FunctionName"]["Fn::Sub"].startswith("CodeDeployHook_")


def test_deployment_without_alarms_watches_none() -> None:
    template = template_of(Alarms="off")
    assert of_type(template, "AWS::CloudWatch::Alarm") == {}
    assert of_type(template, "AWS::SNS::Topic") == {}
    for group in of_type(template, "AWS::CodeDeploy::DeploymentGroup").values():
        assert group["AlarmConfiguration"] == {}


def names_in(value: object) -> set[str]:
    """Return every parameter, condition and resource that a value names."""
    found = set()
    if isinstance(value, dict):
        for name, part in value.items():
            if name == "Ref":
                found.add(str(part))
            elif name == "Fn::If":
                found.add(part[0])
                found |= names_in(part[1:])
            elif name == "Fn::GetAtt":
                found.add(part[0] if isinstance(part, list) else part.partition(".")[0])
            elif name == "Fn::Sub":
                text = part if isinstance(part, str) else part[0]
                found |= {word.split("}")[0] for word in text.split("${")[1:]}
                found |= names_in(part[1:] if isinstance(part, list) else [])
            else:
                found |= names_in(part)
    elif isinstance(value, list):
        for part in value:
            found |= names_in(part)
    return found


def test_resources_have_no_circular_dependency() -> None:
    """Hooks and alarms of a deployment count too; the linter ignores them."""
    for given in (DOMAIN, {**FRONT, **KEY}, OTHERS[3]):
        resources = template_of(**given)["Resources"]
        needs = {
            name: {
                found.partition(".")[0]
                for part in ("Properties", "UpdatePolicy")
                for found in names_in(resource.get(part, {}))
            }
            | set(
                [resource["DependsOn"]]
                if isinstance(resource.get("DependsOn"), str)
                else resource.get("DependsOn", [])
            )
            for name, resource in resources.items()
        }
        order = list(TopologicalSorter(needs).static_order())
        assert order.index("SmokeFunction") < order.index("AuthFunctionAliaslive")
        assert order.index("AuthorizerFunctionAliaslive") < order.index("HttpApi")


def condition_parameters(name: str) -> set[str]:
    conditions = source()["Conditions"]
    text = conditions[name]
    found = names_in(text)
    for other in conditions:
        if f'"Condition": "{other}"' in json.dumps(text):
            found |= condition_parameters(other)
    return found


def test_changed_parameter_makes_a_new_version() -> None:
    """SAM's name of a version depends on the template alone; the description has the parameters."""
    declared = set(source()["Parameters"])
    template = expanded(parameters())
    (kept,) = of_type(template, "AWS::AppConfig::HostedConfigurationVersion").values()
    noted = names_in(kept["Content"])
    for name in PUBLISHED:
        used = names_in(template["Resources"][name]["Properties"])
        for condition in used & set(source()["Conditions"]):
            used |= condition_parameters(condition)
        assert used & declared <= noted, name
    for version in of_type(template, "AWS::Lambda::Version").values():
        assert version["Description"] == {"Fn::Sub": "Parameters ${ParameterVersion}"}


def test_new_version_implies_a_changed_function() -> None:
    """For an unchanged function Lambda returns the existing version, and CloudFormation fails."""
    template = expanded(parameters())
    versions = of_type(template, "AWS::Lambda::Version").values()
    assert {version["FunctionName"]["Ref"] for version in versions} == set(PUBLISHED)
    for version in versions:
        function = template["Resources"][version["FunctionName"]["Ref"]]["Properties"]
        named = names_in(version["Description"])
        assert named == {"ParameterVersion"}
        assert named <= names_in(function["Environment"])


def test_new_dependencies_make_a_new_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = of_type(expanded(parameters()), "AWS::Lambda::Version")
    monkeypatch.setattr("tests.support.expansion.CODE", "another.zip")
    after = of_type(expanded(parameters()), "AWS::Lambda::Version")
    assert len(before) == len(after) == len(PUBLISHED)
    assert not set(before) & set(after)
    layer = source()["Resources"]["SharedLayer"]["Properties"]
    assert layer["PublishLambdaVersion"] is True


def test_own_domain_replaces_the_default_one() -> None:
    template = template_of(**DOMAIN, BasePath="/account")
    api = of_type(template, "AWS::ApiGatewayV2::Api")["HttpApi"]
    (server,) = api["Body"]["servers"]
    assert server["x-amazon-apigateway-endpoint-configuration"]["disableExecuteApiEndpoint"] is True
    (mapping,) = of_type(template, "AWS::ApiGatewayV2::ApiMapping").values()
    assert mapping["DomainName"] == {"Ref": "ApiDomain"}
    assert "ApiMappingKey" in mapping
    assert (
        "ApiMappingKey"
        not in of_type(template_of(**DOMAIN), "AWS::ApiGatewayV2::ApiMapping")["ApiDomainMapping"]
    )


def test_cloudfront_stands_in_front_of_the_default_domain() -> None:
    template = template_of(**FRONT)
    (front,) = of_type(template, "AWS::CloudFront::Distribution").values()
    config = front["DistributionConfig"]
    assert config["WebACLId"] == {"Ref": "WebAclArn"}
    assert config["Aliases"] == [{"Ref": "DomainName"}]
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert of_type(template, "AWS::ApiGatewayV2::DomainName") == {}
    (server,) = of_type(template, "AWS::ApiGatewayV2::Api")["HttpApi"]["Body"]["servers"]
    endpoint = server["x-amazon-apigateway-endpoint-configuration"]
    assert endpoint["disableExecuteApiEndpoint"] is False


@pytest.mark.parametrize(
    ("given", "target"),
    [(DOMAIN, "ApiDomain.RegionalDomainName"), (FRONT, "Front.DomainName")],
    ids=["domain", "front"],
)
def test_cloudfront_can_be_switched_on_and_off(given: dict[str, str], target: str) -> None:
    """A zone has one record for a name, so the same resource has the name both times."""
    template = template_of(**given)
    groups = of_type(template, "AWS::Route53::RecordSetGroup")
    assert set(groups) == {"DomainRecords"}
    records = groups["DomainRecords"]["RecordSets"]
    assert [record["Type"] for record in records] == ["A", "AAAA"]
    for record in records:
        assert record["Name"] == {"Ref": "DomainName"}
        assert record["AliasTarget"]["DNSName"] == {"Fn::GetAtt": target.split(".")}


@pytest.mark.parametrize("given", [{}, DOMAIN, FRONT], ids=["none", "domain", "front"])
def test_functions_get_the_domain_as_base_url(given: dict[str, str]) -> None:
    variables = of_type(template_of(**given), "AWS::Lambda::Function")["AuthFunction"]
    base = variables["Environment"]["Variables"]["BASE_URL"]
    own = {"Fn::Sub": "https://${DomainName}${BasePath}"}
    assert base == (own if given else {"Ref": "BaseUrl"})


def test_longest_mapping_of_groups_fits_the_environment() -> None:
    groups: int = source()["Parameters"]["EntraGroups"]["MaxLength"]
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:"
    scopes = f"identities {parameters()['LogtoScopes']}"
    given = {
        **parameters(**DOMAIN, LogtoScopes=scopes),
        **PSEUDO,
        "EntraGroups": "x" * groups,
        "Table": f"{STACK}-prod-Table-1ABCDEFGHIJKL",
        "AppSecret": f"{arn}AppSecret-ABCDEFGHIJKL-AbCdEf",
        "ParameterVersion": "100",
    }
    function = of_type(template_of(**DOMAIN), "AWS::Lambda::Function")["AuthFunction"]

    def filled(value: Any) -> str:
        if "Ref" in value:
            return given[value["Ref"]]
        text: str = value["Fn::Sub"] if isinstance(value, dict) else value
        return re.sub(r"\$\{([\w:]+)\}", lambda name: given[name[1]], text)

    variables = function["Environment"]["Variables"]
    assert sum(len(name) + len(filled(value)) for name, value in variables.items()) < 4096


def test_one_key_encrypts_everything_at_rest() -> None:
    template = template_of(**KEY)
    key = {"Ref": "KmsKeyArn"}
    (table,) = of_type(template, "AWS::DynamoDB::Table").values()
    assert table["SSESpecification"]["KMSMasterKeyId"] == key
    for kind in ("AWS::SecretsManager::Secret", "AWS::Logs::LogGroup"):
        found = of_type(template, kind)
        assert found
        assert all(properties["KmsKeyId"] == key for properties in found.values())
    assert of_type(template, "AWS::SNS::Topic")["AlarmTopic"]["KmsMasterKeyId"] == key


@pytest.mark.parametrize("given", [{}, KEY], ids=["defaults", "key"])
def test_queue_delivers_for_more_than_a_day_and_then_keeps_the_message(
    given: dict[str, str],
) -> None:
    template = template_of(**given)
    queues = of_type(template, "AWS::SQS::Queue")
    queue, dead = queues["EndingsQueue"], queues["EndingsDeadLetterQueue"]
    function = of_type(template, "AWS::Lambda::Function")["NotificationsFunction"]
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    redrive = queue["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["EndingsDeadLetterQueue", "Arn"]}
    limits = Limits()
    delays = [
        min(limits.queue_delay_seconds * 2**sent, limits.queue_longest_delay_seconds)
        for sent in range(redrive["maxReceiveCount"] - 1)
    ]
    assert delays[:7] == [60, 120, 240, 480, 960, 1920, 3600]
    assert sum(delays) > 86_400
    fortnight = 14 * 86_400
    assert queue["MessageRetentionPeriod"] == dead["MessageRetentionPeriod"] == fortnight
    allowed = dead["RedriveAllowPolicy"]
    assert allowed["redrivePermission"] == "byQueue"
    (source_arn,) = allowed["sourceQueueArns"]
    assert source_arn["Fn::Sub"].endswith(":" + queue["QueueName"]["Fn::Sub"])
    for each in queues.values():
        sealed = {n: v for n, v in each.items() if n in ("SqsManagedSseEnabled", "KmsMasterKeyId")}
        assert sealed == (
            {"KmsMasterKeyId": {"Ref": "KmsKeyArn"}} if given else {"SqsManagedSseEnabled": True}
        )


def test_queue_is_delivered_to_the_alias_one_message_at_a_time() -> None:
    template = template_of()
    (mapping,) = of_type(template, "AWS::Lambda::EventSourceMapping").values()
    assert mapping == {
        "EventSourceArn": {"Fn::GetAtt": ["EndingsQueue", "Arn"]},
        "FunctionName": {"Ref": "NotificationsFunctionAliaslive"},
        "BatchSize": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 2},
    }
    variables = of_type(template, "AWS::Lambda::Function")["NotificationsFunction"]["Environment"]
    assert variables["Variables"]["REVOCATION_QUEUE_URL"] == {"Ref": "EndingsQueue"}


def test_throttling_limits_name_existing_routes() -> None:
    template = template_of()
    stage = of_type(template, "AWS::ApiGatewayV2::Stage")["HttpApiApiGatewayDefaultStage"]
    paths = of_type(template, "AWS::ApiGatewayV2::Api")["HttpApi"]["Body"]["paths"]
    for route in stage["RouteSettings"]:
        method, path = route.split()
        assert method.lower() in paths[path], route
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == {"Ref": "RequestsPerSecond"}


def test_access_log_is_json_without_secrets_or_personal_data() -> None:
    stage = of_type(template_of(), "AWS::ApiGatewayV2::Stage")["HttpApiApiGatewayDefaultStage"]
    entry: dict[str, str] = json.loads(stage["AccessLogSettings"]["Format"])
    assert entry["requestId"] == "$context.requestId"
    forbidden = ("path", "query", "cookie", "sourceIp", "userAgent", "identity", "property")
    for value in entry.values():
        assert not [word for word in forbidden if word.lower() in value.lower()], value


def test_template_is_within_the_limits_of_cloudformation() -> None:
    for given in MATRIX + OTHERS:
        template = expanded(parameters(**given))
        assert len(json.dumps(template)) < 1_000_000  # the limit of a template on S3
        assert len(template["Resources"]) < 500
        assert len(template["Parameters"]) <= 200


def test_functions_of_the_product_share_processor_and_layer() -> None:
    template = template_of()
    (layer,) = of_type(template, "AWS::Lambda::LayerVersion")
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        assert function["Architectures"] == [{"Ref": "Architecture"}]
        assert function.get("Layers", []) == ([] if name == "SmokeFunction" else [{"Ref": layer}])
