"""`.env` and `samconfig.toml`: everything else in them stays, and only the owner reads secrets."""

import tomllib
from pathlib import Path

import pytest
from dotenv import dotenv_values
from samcli.cli.types import CfnParameterOverridesType
from samcli.lib.config.samconfig import SamConfig

from provision.errors import ProvisionFailed
from provision.files import (
    deploy_default,
    read_env,
    read_parameters,
    write_env,
    write_parameters,
)
from tests.provision.operators import Operator

SAMCONFIG = """\
# Our defaults.
version = 0.1

[default.global.parameters]
stack_name = "signin" # the name

[default.deploy.parameters] # how it is deployed
capabilities = "CAPABILITY_IAM"
# Beware of quotes.
parameter_overrides = "BrandName=\\"North wind\\" LogLevel=DEBUG"
confirm_changeset = true # always
"""


def test_setup_keeps_other_lines_of_env_and_makes_it_private_to_its_owner(
    operator: Operator,
) -> None:
    env = operator.root / ".env"
    env.write_text("# ports\nPORT=3999\n\nLOGTO_APP_ID=old # was\nBRAND_NAME=Mine\n")
    env.chmod(0o644)
    assert operator.setup().code == 0
    assert env.stat().st_mode & 0o777 == 0o600
    lines = env.read_text().splitlines()
    assert lines[:5] == ["# ports", "PORT=3999", "", "LOGTO_APP_ID=local-app", "BRAND_NAME=Mine"]
    assert [path.name for path in operator.root.iterdir() if "env" in path.name] == [".env"]


def test_setup_keeps_a_name_that_somebody_has_chosen(operator: Operator) -> None:
    env = operator.root / ".env"
    env.write_text("BRAND_NAME=Sign-in\n")  # the default
    operator.setup()
    assert read_env(env)["BRAND_NAME"] == "Northwind"
    assert operator.setup("--name", "Other", "--json").json["changed"] == []
    assert read_env(env)["BRAND_NAME"] == "Northwind"


@pytest.mark.parametrize(
    "value", ["plain", "two words", "it's", "a#b", 'say "x"', "$HOME", "ä", "x=y"]
)
def test_env_values_are_read_back_unchanged(tmp_path: Path, value: str) -> None:
    env = tmp_path / ".env"
    write_env(env, {"A": value, "B": "b"})
    assert read_env(env) == {"A": value, "B": "b"}
    assert dotenv_values(env, interpolate=False)["A"] == value
    write_env(env, {"A": None})
    assert env.read_text() == "B=b\n"


def test_writing_parameters_keeps_comments_and_other_parameters(tmp_path: Path) -> None:
    file = tmp_path / "samconfig.toml"
    file.write_text(SAMCONFIG)
    assert deploy_default(file, "default", "stack_name") == "signin"
    write_parameters(file, "default", {"LogtoAppId": "app-1", "BrandName": 'A "B"'})
    for comment in ("# Our defaults.", "# the name", "# how it is", "# Beware", "# always"):
        assert comment in file.read_text()
    assert read_parameters(file, "default") == {
        "BrandName": 'A "B"',
        "LogLevel": "DEBUG",
        "LogtoAppId": "app-1",
    }
    assert file.stat().st_mode & 0o777 == 0o644
    write_parameters(file, "default", {"LogtoAppId": None, "BrandName": "North wind"})
    assert read_parameters(file, "default") == {"BrandName": "North wind", "LogLevel": "DEBUG"}


def test_writing_parameters_to_a_list_appends_to_it(tmp_path: Path) -> None:
    file = tmp_path / "samconfig.toml"
    file.write_text(
        '[default.deploy.parameters]\nparameter_overrides = ["A=1", "B=\'two words\'"]\n'
    )
    write_parameters(file, "default", {"C": "3"})
    found = tomllib.loads(file.read_text())["default"]["deploy"]["parameters"]
    assert found["parameter_overrides"] == ["A=1", "B='two words'", "C=3"]


PARAMETERS = "[default.deploy.parameters]\nparameter_overrides = "
FORMS = {
    "long": ("\"ParameterKey=A,ParameterValue=1 ParameterKey=B,ParameterValue='2 3'\"", {}),
    "short": ('"A=1 B=\\"2 3\\""', {}),
    "an apostrophe": ('"A=1 B=Bob\'s"', {"B": "Bob's"}),
    "table": ('{ A = 1, B = "2 3" }', {}),
    "table of a list": ('{ A = ["1"], B = "2 3" }', {}),
    "list": ('["A=1", "B=\'2 3\'"]', {}),
    "list of lists": ('[["A=1"], [{ B = "2 3" }]]', {}),
    "list of more": ("[\"A=1 B='2 3'\"]", {}),
    "file": ('"file://params.yaml"', {}),
    "list with a file": ('["file://params.yaml", "B=\'2 3\'"]', {}),
    "table that includes": ('{ "$include" = "file://params.yaml", B = "2 3" }', {}),
    "all commands": (None, {}),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_sam_cli_reads_what_is_written_in_every_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """The SAM CLI's own parser finds the new parameters, and all of the others."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("A: '1'\nB: 2 3\nC: of the file\nD: of the file\n")
    file = tmp_path / "samconfig.toml"
    written, differing = FORMS[form]
    file.write_text(
        f"version = 0.1\n{PARAMETERS}{written}\n"
        if written
        else "version = 0.1\n[default.global.parameters]\nparameter_overrides = \"A=1 B='2 3'\"\n"
    )
    before = by_sam(file)
    assert before["A"] == "1"
    assert before["B"] == differing.get("B", "2 3")
    write_parameters(file, "default", {"C": 'a "b" c\'d', "D": "https://x.test/?a=b"})
    assert by_sam(file) == {**before, "C": 'a "b" c\'d', "D": "https://x.test/?a=b"}
    read = read_parameters(file, "default")
    assert read.items() <= by_sam(file).items()
    write_parameters(file, "default", {"B": "4", "C": None, "D": None})
    after = by_sam(file)
    assert after == {**before, "B": "4"}


def by_sam(file: Path) -> dict[str, str]:
    """Return the parameters of `sam deploy`."""
    config = SamConfig(str(file.parent))  # type: ignore[no-untyped-call]
    options = config.get_all(["deploy"], "parameters", "default")  # type: ignore[no-untyped-call]
    value = options.get("parameter_overrides")
    found: dict[str, str] = CfnParameterOverridesType().convert(value, None, None)
    return found


@pytest.mark.parametrize(
    "text", [f"{PARAMETERS}3\n", f'{PARAMETERS}"nothing"\n', "[default]\ndeploy = 3\n"]
)
def test_writing_parameters_refuses_a_samconfig_that_sam_cannot_read(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "samconfig.toml"
    file.write_text(text)
    with pytest.raises(ProvisionFailed, match="Repair it first"):
        write_parameters(file, "default", {"C": "3"})
    assert file.read_text() == text


def test_writing_parameters_refuses_a_value_that_sam_would_not_read_back(tmp_path: Path) -> None:
    file = tmp_path / "samconfig.toml"
    with pytest.raises(ProvisionFailed, match="BrandName cannot be written"):
        write_parameters(file, "default", {"BrandName": "North\\"})
    assert not file.exists()


def test_writing_parameters_to_another_environment_or_a_new_file(tmp_path: Path) -> None:
    file = tmp_path / "samconfig.toml"
    file.write_text(SAMCONFIG)
    write_parameters(file, "prod", {"A": "1"})
    assert read_parameters(file, "prod") == {"A": "1"}
    assert read_parameters(file, "default")["LogLevel"] == "DEBUG"
    assert deploy_default(tmp_path / "none.toml", "default", "stack_name") is None
    write_parameters(tmp_path / "none.toml", "default", {"A": "1"})
    assert read_parameters(tmp_path / "none.toml", "default") == {"A": "1"}
