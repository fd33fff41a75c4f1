"""`.env` and `samconfig.toml`: what else is in them stays, and a secret is its owner's alone."""

import tomllib
from pathlib import Path

import pytest
from dotenv import dotenv_values

from provision.files import (
    deploy_default,
    read_env,
    read_parameters,
    write_env,
    write_parameters,
)
from tests.provision.conftest import Desk

SAMCONFIG = """\
# Defaults of ours.
version = 0.1

[default.global.parameters]
stack_name = "signin" # the name

[default.deploy.parameters] # how it is deployed
capabilities = "CAPABILITY_IAM"
# Beware of quotes.
parameter_overrides = "BrandName=\\"North wind\\" LogLevel=DEBUG"
confirm_changeset = true # always
"""


def test_env_keeps_other_lines_and_is_its_owners_alone(desk: Desk) -> None:
    env = desk.root / ".env"
    env.write_text("# ports\nPORT=3999\n\nLOGTO_APP_ID=old # was\nBRAND_NAME=Mine\n")
    env.chmod(0o644)
    assert desk.setup().code == 0
    assert env.stat().st_mode & 0o777 == 0o600
    lines = env.read_text().splitlines()
    assert lines[:5] == ["# ports", "PORT=3999", "", "LOGTO_APP_ID=local-app", "BRAND_NAME=Mine"]
    assert [path.name for path in desk.root.iterdir() if "env" in path.name] == [".env"]


def test_a_name_that_somebody_has_chosen_stays(desk: Desk) -> None:
    env = desk.root / ".env"
    env.write_text("BRAND_NAME=Sign-in\n")  # what everybody has until then
    desk.setup()
    assert read_env(env)["BRAND_NAME"] == "Northwind"
    assert desk.setup("--name", "Other", "--json").json["changed"] == []
    assert read_env(env)["BRAND_NAME"] == "Northwind"


@pytest.mark.parametrize(
    "value", ["plain", "two words", "it's", "a#b", 'say "x"', "$HOME", "ä", "x=y"]
)
def test_env_values_come_back(tmp_path: Path, value: str) -> None:
    env = tmp_path / ".env"
    write_env(env, {"A": value, "B": "b"})
    assert read_env(env) == {"A": value, "B": "b"}
    assert dotenv_values(env, interpolate=False)["A"] == value
    write_env(env, {"A": None})
    assert env.read_text() == "B=b\n"


def test_samconfig_keeps_comments_and_other_parameters(tmp_path: Path) -> None:
    file = tmp_path / "samconfig.toml"
    file.write_text(SAMCONFIG)
    assert deploy_default(file, "default", "stack_name") == "signin"
    write_parameters(file, "default", {"LogtoAppId": "app-1", "BrandName": 'A "B"'})
    for comment in ("# Defaults of ours.", "# the name", "# how it is", "# Beware", "# always"):
        assert comment in file.read_text()
    assert read_parameters(file, "default") == {
        "BrandName": 'A "B"',
        "LogLevel": "DEBUG",
        "LogtoAppId": "app-1",
    }
    assert file.stat().st_mode & 0o777 == 0o644
    write_parameters(file, "default", {"LogtoAppId": None, "BrandName": "North wind"})
    assert read_parameters(file, "default") == {"BrandName": "North wind", "LogLevel": "DEBUG"}


def test_samconfig_with_a_list(tmp_path: Path) -> None:
    file = tmp_path / "samconfig.toml"
    file.write_text('[default.deploy.parameters]\nparameter_overrides = ["A=1", "B=two words"]\n')
    write_parameters(file, "default", {"C": "3"})
    found = tomllib.loads(file.read_text())["default"]["deploy"]["parameters"]
    assert found["parameter_overrides"] == ["A=1", "B=two words", "C=3"]


def test_samconfig_of_another_environment_and_none(tmp_path: Path) -> None:
    file = tmp_path / "samconfig.toml"
    file.write_text(SAMCONFIG)
    write_parameters(file, "prod", {"A": "1"})
    assert read_parameters(file, "prod") == {"A": "1"}
    assert read_parameters(file, "default")["LogLevel"] == "DEBUG"
    assert deploy_default(tmp_path / "none.toml", "default", "stack_name") is None
    write_parameters(tmp_path / "none.toml", "default", {"A": "1"})
    assert read_parameters(tmp_path / "none.toml", "default") == {"A": "1"}
