"""`configure`: parameters that outlive the deployment for which they were set."""

from pathlib import Path

import pytest

from harness.product import DOMAIN
from provision.files import read_parameters
from tests.provision.operators import CommandResult, Operator, refused
from tests.support.up import ROOT

CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d"
TEMPLATE = ROOT / "template.yaml"


@pytest.fixture
def config(operator: Operator) -> Path:
    """A file as `sam deploy --guided` leaves it: with every parameter, the empty ones too."""
    path = operator.root / "samconfig.toml"
    path.write_text(
        "# Kept.\n"
        "version = 0.1\n"
        "[default.deploy.parameters]\n"
        'stack_name = "sign-in"\n'
        'parameter_overrides = "LogtoEndpoint=\\"https://tenant.logto.app\\" '
        'LogtoAppId=\\"pending\\" DomainName=\\"\\" CertificateArn=\\"\\""\n'
    )
    return path


def run(operator: Operator, *arguments: str) -> CommandResult:
    return operator.run("configure", "--template", str(TEMPLATE), *arguments)


def test_value_stays_for_every_later_deployment(operator: Operator, config: Path) -> None:
    given = (f"DomainName={DOMAIN}", f"CertificateArn={CERTIFICATE}", "--yes")
    result = run(operator, *given)
    assert result.code == 0, result.err
    assert f"-> {DOMAIN}" in result.err
    assert "Run `sam deploy` to deploy them." in result.out
    assert read_parameters(config, "default") == {
        "LogtoEndpoint": "https://tenant.logto.app",
        "LogtoAppId": "pending",
        "DomainName": DOMAIN,
        "CertificateArn": CERTIFICATE,
    }
    assert config.read_text().startswith("# Kept.\n")
    again = run(operator, *given)
    assert again.out == "Nothing to change.\n"


def test_parameters_of_another_environment_stay(operator: Operator, config: Path) -> None:
    before = read_parameters(config, "default")
    result = run(operator, "SnapStart=off", "--config-env", "prod", "--yes")
    assert "sam deploy --config-env prod" in result.out
    assert read_parameters(config, "prod") == {"SnapStart": "off"}
    assert read_parameters(config, "default") == before


def test_empty_value_is_written_because_cloudformation_keeps_omitted_ones(
    operator: Operator, config: Path
) -> None:
    run(operator, "BrandLogoUrl=https://example.com/logo.png", "--yes")
    assert run(operator, "BrandLogoUrl=", "--yes").code == 0
    assert read_parameters(config, "default")["BrandLogoUrl"] == ""


def test_answer_of_no_and_a_dry_run_change_nothing(operator: Operator, config: Path) -> None:
    text = config.read_text()
    operator.answers = ["n"]
    result = run(operator, "SnapStart=off")
    assert (result.code, result.out) == (1, "")
    assert "SnapStart: auto -> off" in result.err
    assert run(operator, "SnapStart=off", "--dry-run").out.startswith("1 would change.")
    assert config.read_text() == text


@pytest.mark.parametrize(
    ("assignment", "fault"),
    [
        ("DomainNam=x", "The nearest is DomainName"),
        ("DOMAIN_NAME=x", "The nearest is DomainName"),
        ("Nonsense=x", "not a parameter of the template"),
        ("SnapStart=yes", "SnapStart must be one of"),
        ("SessionIdleSeconds=soon", "must be a whole number"),
        ("SessionIdleSeconds=1", "must be at least"),
        ("LogRetentionDays=12", "must be one of"),
        ("LogtoEndpoint=https://tenant.logto.app/oidc", "must be a URL such as"),
        ("AllowedTenants=contoso", "AllowedTenants"),
        ("AllowedTenants=11111111-1111-4111-8111-111111111111", "LOGTO_SCOPES"),
        ("SessionIdleSeconds=90000", "SESSION_IDLE_SECONDS"),
        ("BrandName=a\u202eb", "BrandName"),
    ],
)
def test_value_with_which_nothing_would_start_is_refused(
    operator: Operator, config: Path, assignment: str, fault: str
) -> None:
    text = config.read_text()
    refused(run(operator, assignment, "--yes"), fault)
    assert config.read_text() == text


@pytest.mark.parametrize("assignments", [("SnapStart",), ("SnapStart=on", "SnapStart=off")])
def test_mistake_in_the_command_is_a_2(
    operator: Operator, config: Path, assignments: tuple[str, ...]
) -> None:
    refused(run(operator, *assignments, "--yes"), "SnapStart", code=2)


def test_what_the_file_has_is_shown(operator: Operator, config: Path) -> None:
    result = run(operator)
    assert "LogtoEndpoint=https://tenant.logto.app\n" in result.out
    assert "DomainName=  (the default)\n" in result.out
    assert run(operator, "--json").json["parameters"]["LogtoAppId"] == "pending"


def test_json_is_one_document(operator: Operator, config: Path) -> None:
    result = run(operator, "SnapStart=off", "--yes", "--json")
    assert result.json["changed"][0]["values"] == [
        {"name": "SnapStart", "before": "auto", "after": "off"}
    ]
    assert result.err == ""
