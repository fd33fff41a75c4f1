"""`setup` for a deployed stack: its outputs, secrets, and the parameters of its next version."""

import json

import boto3
import pytest

from provision.files import read_parameters
from tests.provision.operators import CommandResult, Operator, contoso, refused
from tests.provision.stacks import FakeStack, deploy, stored

URL = "https://abc.execute-api.eu-central-1.amazonaws.com"


@pytest.fixture(autouse=True)
def aws(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)


def run(operator: Operator, stack: FakeStack, *more: str) -> CommandResult:
    operator.session = stack.session
    options = [
        "--stack-name",
        stack.name,
        "--logto-endpoint",
        operator.logto,
        *operator.entra_options(),
    ]
    return operator.run("setup", *options, *contoso(), "--name", "Northwind", *more)


def test_setup_stores_secrets_and_parameters_of_a_stack(operator: Operator) -> None:
    stack = deploy(URL)
    result = run(operator, stack)
    assert result.code == 0, result.err
    (application,) = operator.tenant.applications.values()
    assert application.redirect_uris == (f"{URL}/callback",)
    assert stored(stack.id("AppSecret")) == application.secret
    assert stored(stack.id("WebhookSigningKey")) == operator.tenant.webhooks[0].signing_key
    assert read_parameters(operator.root / "samconfig.toml", "default") == {
        "LogtoEndpoint": operator.logto,
        "LogtoAppId": application.id,
        "BrandName": "Northwind",
    }
    assert "Run `sam deploy` now" in result.out
    assert not (operator.root / ".env").exists()
    assert json.loads(run(operator, stack, "--json").out)["changed"] == []


def test_setup_of_a_stack_with_its_parameters_asks_for_no_deployment(operator: Operator) -> None:
    stack = deploy(URL, LogtoEndpoint=operator.logto, LogtoAppId="local-app", BrandName="Northwind")
    result = run(operator, stack)
    assert result.code == 0, result.err
    assert "sam deploy" not in result.out


def test_setup_uses_the_stack_that_samconfig_names(operator: Operator) -> None:
    stack = deploy(URL)
    config = operator.root / "samconfig.toml"
    config.write_text(f'[default.global.parameters]\nstack_name = "{stack.name}" # ours\n')
    result = operator.run(
        "setup", "--logto-endpoint", operator.logto, *operator.entra_options(), *contoso(), "--json"
    )
    assert result.code == 0, result.err
    assert "# ours" in config.read_text()


def test_setup_with_parameters_that_cannot_be_written_changes_nothing(operator: Operator) -> None:
    stack = deploy(URL)
    config = operator.root / "samconfig.toml"
    config.write_text("[default.deploy.parameters]\nparameter_overrides = 3\n")
    refused(run(operator, stack), "parameter_overrides in samconfig.toml", "Repair it first")
    config.write_text("")
    refused(run(operator, stack, "--name", "North\\"), "BrandName cannot be written")
    assert operator.tenant.applications == {}


def test_setup_uses_the_region_that_samconfig_names(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SAM CLI does so too, whatever AWS_DEFAULT_REGION says."""
    stack = deploy(URL)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    refused(run(operator, stack), "reading the stack")
    config = operator.root / "samconfig.toml"
    config.write_text('[default.deploy.parameters]\nregion = "eu-central-1"\n')
    assert run(operator, stack).code == 0


def test_setup_keeps_the_form_of_secrets_that_the_operator_made(operator: Operator) -> None:
    """Other members of a JSON secret stay, and an SSM SecureString stays one."""
    secrets, parameters = boto3.client("secretsmanager"), boto3.client("ssm")
    arn = secrets.create_secret(Name="own", SecretString='{"app_secret": "old", "other": 1}')["ARN"]
    parameters.put_parameter(Name="/own/key", Value="old", Type="SecureString")
    key_arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/own/key"
    stack = deploy(URL, own_secrets=False, LogtoAppSecretArn=arn, LogtoWebhookSigningKeyArn=key_arn)
    result = run(operator, stack)
    assert result.code == 0, result.err
    (application,) = operator.tenant.applications.values()
    assert json.loads(stored(arn)) == {"app_secret": application.secret, "other": 1}
    found = parameters.get_parameter(Name="/own/key", WithDecryption=True)["Parameter"]
    assert found["Value"] == operator.tenant.webhooks[0].signing_key
    assert found["Type"] == "SecureString"
    assert json.loads(run(operator, stack, "--json").out)["changed"] == []
    secrets.close()
    parameters.close()


def test_teardown_of_a_stack_removes_the_parameters_that_setup_wrote(operator: Operator) -> None:
    stack = deploy(URL)
    config = operator.root / "samconfig.toml"
    config.write_text('[default.deploy.parameters]\nparameter_overrides = "LogLevel=DEBUG"\n')
    run(operator, stack)
    where = (
        "--stack-name",
        stack.name,
        "--logto-endpoint",
        operator.logto,
        *operator.graph_options(),
        "--yes",
    )
    result = operator.run("teardown", *where)
    assert result.code == 0, result.err
    assert read_parameters(config, "default") == {"LogLevel": "DEBUG"}
    assert operator.tenant.applications == {}


def test_removing_the_deployed_default_connector_writes_an_empty_parameter(
    operator: Operator,
) -> None:
    """CloudFormation keeps the value of a parameter that a deployment omits."""
    stack = deploy(URL)
    config = operator.root / "samconfig.toml"
    run(operator, stack, "--default-connector")
    where = (
        "--stack-name",
        stack.name,
        "--logto-endpoint",
        operator.logto,
        *operator.graph_options(),
        "--yes",
    )
    assert read_parameters(config, "default")["LogtoDefaultConnector"] == "contoso00001"
    stack.parameters["LogtoDefaultConnector"] = "contoso00001"
    result = operator.run("setup", "connector", "remove", "entra-contoso", *where)
    assert result.code == 0, result.err
    assert read_parameters(config, "default")["LogtoDefaultConnector"] == ""
    assert "Run `sam deploy` now" in result.out


def test_removing_the_default_connector_before_it_is_deployed_removes_the_parameter(
    operator: Operator,
) -> None:
    stack = deploy(URL)
    run(operator, stack, "--default-connector")
    where = (
        "--stack-name",
        stack.name,
        "--logto-endpoint",
        operator.logto,
        *operator.graph_options(),
        "--yes",
    )
    assert operator.run("setup", "connector", "remove", "entra-contoso", *where).code == 0
    there = read_parameters(operator.root / "samconfig.toml", "default")
    assert "LogtoDefaultConnector" not in there
    assert "LogtoAppId" in there


def test_setup_refuses_a_stack_that_does_not_exist(operator: Operator) -> None:
    refused(
        run(operator, FakeStack(name="nowhere")),
        "reading the stack nowhere",
        "Check the name",
    )


def test_setup_refuses_a_stack_of_another_product(operator: Operator) -> None:
    client = boto3.client("cloudformation")
    body = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    client.create_stack(StackName="other", TemplateBody=json.dumps(body))
    client.close()
    refused(run(operator, FakeStack(name="other")), "has no output HomeUrl")


def test_setup_without_aws_names_what_to_check(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    refused(
        run(operator, FakeStack(name="signin")),
        "AWS cannot be used",
        "Check the network, the region, your credentials and AWS_ENDPOINT_URL.",
    )
