"""A release: one version everywhere, its bill of materials, its environments and workflows."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.loaders import Loader
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from samcli.cli.types import CfnParameterOverridesType

from local import sbom
from tests.declarations.test_requirements import LAYER, PROJECT, pins
from tests.declarations.test_template import ROOT, TEMPLATE

VERSION = PROJECT["project"]["version"]
SAMCONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())
ENVIRONMENTS = ("default", "dev", "staging", "prod")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def words(text: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in text.split())


def test_one_version() -> None:
    published = TEMPLATE["Metadata"]["AWS::ServerlessRepo::Application"]
    assert published["SemanticVersion"] == VERSION
    released = re.findall(r"^## (\d\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert released[0] == VERSION
    assert published["SpdxLicenseId"] == PROJECT["project"]["license"]
    for name in ("LicenseUrl", "ReadmeUrl"):
        assert (ROOT / published[name]).is_file()


def test_the_application_repository_takes_the_metadata() -> None:
    published = TEMPLATE["Metadata"]["AWS::ServerlessRepo::Application"]
    shapes = Loader().load_service_model("serverlessrepo", "service-2")["shapes"]
    told = shapes["CreateApplicationRequest"]["members"]["Author"]["documentation"]
    (pattern,) = re.findall(r'Pattern "(.+)"', told)
    assert re.fullmatch(pattern, published["Author"])
    assert len(published["Description"]) <= 256
    assert len(published["Labels"]) <= 10


def test_bill_of_materials_is_what_the_layer_ships(tmp_path: Path) -> None:
    file = tmp_path / "sbom.cdx.json"
    assert sbom.main([str(file)]) == 0
    text = file.read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill: dict[str, Any] = json.loads(text)
    assert bill["metadata"]["component"]["version"] == VERSION
    listed = {part["name"]: part["version"] for part in bill["components"]}
    assert listed == {name: str(version) for name, version in pins(LAYER).items()}
    for part in bill["components"]:
        assert part["purl"].startswith("pkg:pypi/")
        assert part["externalReferences"][0]["hashes"]
    assert sbom.main([str(tmp_path / "again.json")]) == 0
    assert (tmp_path / "again.json").read_text() == text


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environment(name: str) -> None:
    deploy = SAMCONFIG[name]["deploy"]["parameters"]
    tags = words(deploy["tags"])
    assert tags == {"application": "serverless-sign-in", "environment": name}
    for key, value in words(deploy.get("parameter_overrides", "")).items():
        declared = TEMPLATE["Parameters"][key]
        allowed = [str(entry) for entry in declared.get("AllowedValues", [value])]
        assert value in allowed, key
    assert deploy["capabilities"] == "CAPABILITY_IAM"


def test_every_environment_is_a_stack_of_its_own() -> None:
    assert set(SAMCONFIG) - {"version"} == set(ENVIRONMENTS)
    stacks = {SAMCONFIG[name]["global"]["parameters"]["stack_name"] for name in ENVIRONMENTS}
    assert len(stacks) == len(ENVIRONMENTS)
    # CodeDeployHook_<stack name> is a function's name, of at most 64 characters.
    assert all(len(stack) <= 64 - len("CodeDeployHook_") for stack in stacks)


def test_sync_is_for_development_alone() -> None:
    assert [name for name in ENVIRONMENTS if "sync" in SAMCONFIG[name]] == ["dev"]
    synced, deployed = (SAMCONFIG["dev"][name]["parameters"] for name in ("sync", "deploy"))
    assert synced["parameter_overrides"] == deployed["parameter_overrides"]
    # It updates the stack without a change set, which takes CAPABILITY_AUTO_EXPAND, as by default.
    assert "capabilities" not in synced


def test_only_development_does_without_a_canary_and_alarms() -> None:
    given = {
        name: words(SAMCONFIG[name]["deploy"]["parameters"].get("parameter_overrides", ""))
        for name in ENVIRONMENTS
    }
    for name, parameters in given.items():
        preference = parameters.get("DeploymentPreference", "Canary10Percent5Minutes")
        assert (preference == "AllAtOnce") == (name == "dev")
        assert ("Alarms" in parameters) == (name == "dev")


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_workflow(file: Path) -> None:
    text = file.read_text()
    read = yaml.safe_load(text)
    assert read["permissions"]["contents"] == "read"
    assert not re.search(r"secrets\.|aws[-_](secret[-_])?access[-_]key", text, re.I)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    for command in re.findall(r"run: make (\S+)", text):
        assert command in targets, command
    for used in re.findall(r"uses: \./(\S+)", text):
        assert (ROOT / used).is_file(), used
    for environment in re.findall(r"environment: (\w+) }", text):
        assert environment in ENVIRONMENTS


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SAM CLI's own
def test_deployment_passes_every_parameter(tmp_path: Path) -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/deploy-to.yml").read_text())
    job = workflow["jobs"]["deploy"]
    # `make build` reads it from there too: the layer is built for what it is deployed to.
    assert set(job["env"]) == {"ARCHITECTURE"}
    script = job["steps"][-1]["run"]
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "sam").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > given\n')
    (programs / "sam").chmod(0o755)
    (tmp_path / "samconfig.toml").symlink_to(ROOT / "samconfig.toml")
    variables = {
        "ENVIRONMENT": "prod",
        "LOGTO_ENDPOINT": "https://tenant.logto.app",
        "LOGTO_APP_ID": "app",
        "ARCHITECTURE": "x86_64",
        "PARAMETERS": """BrandName='Example Login' LogtoScopes="email roles" LogRetentionDays=14""",
    }
    bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    subprocess.run(bash, check=True, cwd=tmp_path, env={**os.environ, **variables})
    *_, option, given = (tmp_path / "given").read_text().splitlines()
    assert option == "--parameter-overrides"
    assert CfnParameterOverridesType().convert(given, None, None) == {
        "DeploymentPreference": "Canary10Percent10Minutes",
        "LogRetentionDays": "14",
        "LogtoEndpoint": "https://tenant.logto.app",
        "LogtoAppId": "app",
        "BrandName": "Example Login",
        "LogtoScopes": "email roles",
        "Architecture": "x86_64",
    }


def test_only_a_deployment_may_ask_for_a_token() -> None:
    asking = {file.stem for file in WORKFLOWS if "id-token: write" in file.read_text()}
    assert asking == {"deploy", "deploy-to"}


def test_every_parameter_says_what_it_buys_and_is_asked_for_in_a_group() -> None:
    grouped = [
        name
        for group in TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        for name in group["Parameters"]
    ]
    assert sorted(grouped) == sorted(TEMPLATE["Parameters"])
    for name, declared in TEMPLATE["Parameters"].items():
        assert 20 < len(declared["Description"]) < 4000, name
    asked = [name for name, declared in TEMPLATE["Parameters"].items() if "Default" not in declared]
    assert asked == ["LogtoEndpoint", "LogtoAppId"]


@pytest.mark.parametrize(
    "name",
    [
        *("CloudFront", "WebAclArn", "HostedZoneId", "SnapStart", "ProvisionedConcurrency"),
        *("KmsKeyArn", "Alarms", "Dashboard", "Tracing", "DeploymentPreference", "Architecture"),
    ],
)
def test_what_costs_says_how_much(name: str) -> None:
    text = TEMPLATE["Parameters"][name]["Description"]
    assert re.search(r"USD|money|costs? a fifth", text), name
