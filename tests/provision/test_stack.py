"""`setup` for a deployed stack: its outputs, its secrets, the parameters of its next version."""

import json

import boto3
import pytest

from provision.files import read_parameters
from tests.provision.conftest import Desk, Ran
from tests.provision.stacks import FakeStack, deploy, stored
from tests.provision.test_bad_input import refused, who

URL = "https://abc.execute-api.eu-central-1.amazonaws.com"


@pytest.fixture(autouse=True)
def aws(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)


def run(desk: Desk, stack: FakeStack, *more: str) -> Ran:
    desk.session = stack.session
    options = ["--stack-name", stack.name, "--logto-endpoint", desk.logto, *desk.entra_options()]
    return desk.run("setup", *options, *who(), "--name", "Northwind", *more)


def test_stack(desk: Desk) -> None:
    stack = deploy(URL)
    ran = run(desk, stack)
    assert ran.code == 0, ran.err
    (application,) = desk.tenant.applications.values()
    assert application.redirect_uris == (f"{URL}/callback",)
    assert stored(stack.id("AppSecret")) == application.secret
    assert stored(stack.id("WebhookSigningKey")) == desk.tenant.webhooks[0].signing_key
    assert read_parameters(desk.root / "samconfig.toml", "default") == {
        "LogtoEndpoint": desk.logto,
        "LogtoAppId": application.id,
        "BrandName": "Northwind",
    }
    assert "Run `sam deploy` now" in ran.out
    assert not (desk.root / ".env").exists()
    assert json.loads(run(desk, stack, "--json").out)["changed"] == []


def test_stack_that_has_its_parameters(desk: Desk) -> None:
    stack = deploy(URL, LogtoEndpoint=desk.logto, LogtoAppId="local-app", BrandName="Northwind")
    ran = run(desk, stack)
    assert ran.code == 0, ran.err
    assert "sam deploy" not in ran.out


def test_stack_of_samconfig(desk: Desk) -> None:
    stack = deploy(URL)
    config = desk.root / "samconfig.toml"
    config.write_text(f'[default.global.parameters]\nstack_name = "{stack.name}" # ours\n')
    ran = desk.run("setup", "--logto-endpoint", desk.logto, *desk.entra_options(), *who(), "--json")
    assert ran.code == 0, ran.err
    assert "# ours" in config.read_text()


def test_samconfig_that_cannot_be_written(desk: Desk) -> None:
    """It is found before anything is changed."""
    stack = deploy(URL)
    config = desk.root / "samconfig.toml"
    config.write_text("[default.deploy.parameters]\nparameter_overrides = 3\n")
    refused(run(desk, stack), "parameter_overrides in samconfig.toml", "mend it first")
    config.write_text("")
    refused(run(desk, stack, "--name", "North\\"), "BrandName cannot be written")
    assert desk.tenant.applications == {}


def test_region_of_samconfig(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the SAM CLI does, whatever region the operator has elsewhere."""
    stack = deploy(URL)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    refused(run(desk, stack), "reading the stack")
    config = desk.root / "samconfig.toml"
    config.write_text('[default.deploy.parameters]\nregion = "eu-central-1"\n')
    assert run(desk, stack).code == 0


def test_json_secret_and_parameter_store(desk: Desk) -> None:
    """Other members of a stored JSON stay; an SSM SecureString is written as one."""
    secrets, parameters = boto3.client("secretsmanager"), boto3.client("ssm")
    arn = secrets.create_secret(Name="own", SecretString='{"app_secret": "old", "other": 1}')["ARN"]
    parameters.put_parameter(Name="/own/key", Value="old", Type="SecureString")
    key_arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/own/key"
    stack = deploy(URL, own_secrets=False, LogtoAppSecretArn=arn, LogtoWebhookSigningKeyArn=key_arn)
    ran = run(desk, stack)
    assert ran.code == 0, ran.err
    (application,) = desk.tenant.applications.values()
    assert json.loads(stored(arn)) == {"app_secret": application.secret, "other": 1}
    found = parameters.get_parameter(Name="/own/key", WithDecryption=True)["Parameter"]
    assert found["Value"] == desk.tenant.webhooks[0].signing_key
    assert found["Type"] == "SecureString"
    assert json.loads(run(desk, stack, "--json").out)["changed"] == []
    secrets.close()
    parameters.close()


def test_teardown(desk: Desk) -> None:
    stack = deploy(URL)
    config = desk.root / "samconfig.toml"
    config.write_text('[default.deploy.parameters]\nparameter_overrides = "LogLevel=DEBUG"\n')
    run(desk, stack)
    graph = ("--graph-endpoint", f"{desk.logto}/graph/v1.0")
    where = ("--stack-name", stack.name, "--logto-endpoint", desk.logto, *graph, "--yes")
    ran = desk.run("teardown", *where)
    assert ran.code == 0, ran.err
    assert read_parameters(config, "default") == {"LogLevel": "DEBUG"}
    assert desk.tenant.applications == {}


def test_default_connector_that_is_removed(desk: Desk) -> None:
    """Where the stack has it, it is named empty: what is not named would stay as it is."""
    stack = deploy(URL)
    config = desk.root / "samconfig.toml"
    run(desk, stack, "--default-connector")
    graph = ("--graph-endpoint", f"{desk.logto}/graph/v1.0")
    where = ("--stack-name", stack.name, "--logto-endpoint", desk.logto, *graph, "--yes")
    assert read_parameters(config, "default")["LogtoDefaultConnector"] == "contoso00001"
    stack.parameters["LogtoDefaultConnector"] = "contoso00001"
    ran = desk.run("setup", "connector", "remove", "entra-contoso", *where)
    assert ran.code == 0, ran.err
    assert read_parameters(config, "default")["LogtoDefaultConnector"] == ""
    assert "Run `sam deploy` now" in ran.out


def test_default_connector_that_is_removed_before_it_is_deployed(desk: Desk) -> None:
    stack = deploy(URL)
    run(desk, stack, "--default-connector")
    graph = ("--graph-endpoint", f"{desk.logto}/graph/v1.0")
    where = ("--stack-name", stack.name, "--logto-endpoint", desk.logto, *graph, "--yes")
    assert desk.run("setup", "connector", "remove", "entra-contoso", *where).code == 0
    there = read_parameters(desk.root / "samconfig.toml", "default")
    assert "LogtoDefaultConnector" not in there
    assert "LogtoAppId" in there


def test_no_such_stack(desk: Desk) -> None:
    refused(
        run(desk, FakeStack(name="nowhere")),
        "reading the stack nowhere",
        "check the name",
    )


def test_stack_of_something_else(desk: Desk) -> None:
    client = boto3.client("cloudformation")
    body = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    client.create_stack(StackName="other", TemplateBody=json.dumps(body))
    client.close()
    refused(run(desk, FakeStack(name="other")), "has no output HomeUrl")


def test_aws_cannot_be_reached(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    refused(
        run(desk, FakeStack(name="signin")),
        "AWS cannot be used",
        "check your credentials",
    )
