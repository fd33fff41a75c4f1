"""`.env` and `samconfig.toml`: everything else in them stays, and only the owner reads secrets."""

import tomllib
from pathlib import Path

import pytest
from dotenv import dotenv_values
from samcli.cli.types import CfnParameterOverridesType
from samcli.lib.config.samconfig import SamConfig

from local.logto.contoso import LOCAL_MACHINE
from local.options import OptionsInvalid, read_options
from provision.errors import ProvisionFailed
from provision.files import (
    deploy_default,
    read_env,
    read_parameters,
    write_env,
    write_parameters,
)
from tests.provision.operators import ENTRA_SECRET, Operator, contoso, refused, state

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


SPECIAL = {
    "plain": "plain",
    "nothing": "",
    "two words": "two words",
    "an apostrophe": "it's",
    "apostrophes around": "'x'",
    "quotes": 'say "x"',
    "quotes around": '"x"',
    "both kinds of quotes": '"it\'s"',
    "a comment": "a #b",
    "a comment at once": "# b",
    "a hash": "a#b",
    "a variable": "${HOME}",
    "a variable with a default": "${NO_SUCH_VARIABLE:-x}",
    "a variable without braces": "$HOME",
    "a command": "$(id) `id`",
    "a backslash at the end": "C:\\",
    "a backslash and an apostrophe": "\\'",
    "backslashes": "a\\\\b\\n\\t",
    "spaces around": "  x  ",
    "tabs": "\tx\t",
    "an equals sign": "x=y",
    "an assignment": "export B=c",
    "a no-break space at the end": "x\u00a0",
    "separators of lines that are not line ends": "a\u2028b\u0085c\x0bd\x1ce",
    "an ideographic space": "東京\u3000ポータル",
    "a mark in the middle": "a\ufeffb",
    "letters": "äöü ß",
    "an emoji": "\U0001f512",
}


@pytest.mark.parametrize("name", SPECIAL)
def test_env_values_are_read_back_unchanged(tmp_path: Path, name: str) -> None:
    env, value = tmp_path / ".env", SPECIAL[name]
    write_env(env, {"A": value, "B": "it's b"})
    assert read_env(env) == {"A": value, "B": "it's b"}
    assert dotenv_values(env, interpolate=False) == {"A": value, "B": "it's b"}
    assert read_options({}, env).variables == {"A": value, "B": "it's b"}
    write_env(env, {"A": None})
    assert env.read_text() == "B='it\\'s b'\n"


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "\n", "a\0b", "\udcff"])
def test_env_values_that_are_not_one_line_of_text_are_refused(tmp_path: Path, value: str) -> None:
    env = tmp_path / ".env"
    env.write_text("B=b\n")
    with pytest.raises(ProvisionFailed, match=r"^A cannot be written to .* a line break"):
        write_env(env, {"A": value})
    assert env.read_text() == "B=b\n"


def test_setup_writes_a_name_with_a_variable_as_it_is(operator: Operator) -> None:
    assert operator.setup("--name", "${HOME} #1").code == 0
    assert read_env(operator.root / ".env")["BRAND_NAME"] == "${HOME} #1"
    assert operator.setup("--name", "${HOME} #1", "--json").json["changed"] == []


def test_writing_env_keeps_every_other_byte(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    others = "# a\u2028b\r\n\r\nKEY='one\r\nA=two'\r\n  export C = 3 # c\r\n"
    env.write_bytes(f"\ufeff{others}\r\n\r\nA=old\r\nD=${{A}}".encode())
    write_env(env, {"A": "new", "E": "e"})
    assert env.read_bytes() == f"{others}\r\n\r\nA=new\r\nD=${{A}}\r\nE=e\r\n".encode()
    assert read_env(env) == {"KEY": "one\nA=two", "C": "3", "A": "new", "D": "${A}", "E": "e"}


def test_writing_env_keeps_a_link_and_replaces_its_target(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    target, env = tmp_path / "kept" / "settings", tmp_path / ".env"
    env.symlink_to(target)
    write_env(env, {"A": "a"})
    assert env.is_symlink()
    assert target.read_text() == "A=a\n"
    assert target.stat().st_mode & 0o777 == 0o600


UTF_16 = {
    "UTF-16": "LOGTO_APP_ID=app\r\n".encode("utf-16"),
    "UTF-16 with the higher byte first": b"\xfe\xff" + "A=app\n".encode("utf-16-be"),
    "UTF-16 without a mark": "A=app\n".encode("utf-16-le"),
    "UTF-16 without a mark, the higher byte first": "A=app\n".encode("utf-16-be"),
    "UTF-32": "A=app\n".encode("utf-32"),
}


@pytest.mark.parametrize("name", UTF_16)
def test_files_in_utf_16_are_refused_as_a_mistake(operator: Operator, name: str) -> None:
    before, words = state(operator.tenant), ("is not valid UTF-8", "UTF-16", "Save it as UTF-8")
    file = operator.root / "secret.txt"
    file.write_bytes(UTF_16[name])
    for option in ("--env-file", "--management-secret-file", "--entra-secret-file"):
        manual = ("--manual-entra", "--entra-client-id", "c") if "entra" in option else ()
        refused(operator.setup(option, str(file), *manual), f"{file} ", *words, code=2)
    refused(operator.run("doctor", *operator.where(), "--env-file", str(file)), *words, code=2)
    refused(operator.run("setup", "--samconfig", str(file), *contoso()), *words, code=2)
    with pytest.raises(OptionsInvalid, match="UTF-16"):
        read_options({}, file)
    assert state(operator.tenant) == before


@pytest.mark.parametrize("line", ["A='x", 'A="x', "two words", "A='x' y", "=x"])
def test_env_lines_that_are_not_assignments_are_refused(operator: Operator, line: str) -> None:
    env = operator.root / ".env"
    env.write_text(f"# ports\n\nPORT=3999\n\n{line}\n")
    refused(operator.setup(), f"Line 5 of {env} is not NAME=value. Repair it first", code=2)
    with pytest.raises(OptionsInvalid, match="Line 5"):
        read_options({}, env)


@pytest.mark.parametrize(
    "written",
    ["\ufeff{}", "{}\n", "{}\r\n", "\ufeff {}\u00a0\r\n\r\n"],
    ids=["mark", "line end", "CRLF", "mark, spaces and lines"],
)
def test_secrets_are_read_without_what_editors_add(operator: Operator, written: str) -> None:
    machine, entra = operator.root / "machine.txt", operator.root / "entra.txt"
    machine.write_text(written.format(LOCAL_MACHINE[1]), newline="")
    entra.write_text(written.format(ENTRA_SECRET), newline="")
    operator.environment = {"MANAGEMENT_APP_SECRET": "wrong"}
    options = ("--management-secret-file", str(machine), "--entra-secret-file", str(entra))
    result = operator.setup(*options, "--manual-entra", "--entra-client-id", "by-hand")
    assert result.code == 0, result.err
    (connector,) = operator.tenant.connectors.values()
    assert connector.client_secret == ENTRA_SECRET
    by_variable = {
        "MANAGEMENT_APP_SECRET": LOCAL_MACHINE[1],
        "ENTRA_CLIENT_SECRET": "another-secret",
    }
    operator.environment = {n: f"{secret}\r" for n, secret in by_variable.items()}
    result = operator.setup("--manual-entra", "--entra-client-id", "by-hand")
    assert result.code == 0, result.err
    (connector,) = operator.tenant.connectors.values()
    assert connector.client_secret == "another-secret"


@pytest.mark.parametrize("value", ["a b", "a\nb", "a\u200b", "\ufeffa", "\udcff", " "])
@pytest.mark.parametrize("variable", ["MANAGEMENT_APP_ID", "MANAGEMENT_APP_SECRET"])
def test_variables_that_hold_more_than_an_id_or_a_secret_are_refused(
    operator: Operator, variable: str, value: str
) -> None:
    operator.environment = {variable: value}
    refused(operator.setup(), f"{variable} ", "and nothing else.")
    operator.environment = {"MANAGEMENT_APP_ID": f" {LOCAL_MACHINE[0]}\r\n"}
    assert operator.setup().code == 0


@pytest.mark.parametrize("text", ["", " \n", "two words", "one\ntwo", "a\u200bb", "a\ufeff", "ä"])
def test_secrets_that_no_service_makes_are_refused(operator: Operator, text: str) -> None:
    before, file = state(operator.tenant), operator.root / "secret.txt"
    file.write_text(text)
    words = "It must hold the secret, and nothing else."
    refused(operator.setup("--management-secret-file", str(file)), f"{file} ", words)
    options = ("--manual-entra", "--entra-client-id", "c")
    refused(operator.setup(*options, "--entra-secret-file", str(file)), f"{file} ", words)
    assert state(operator.tenant) == before


def test_a_samconfig_with_a_mark_and_crlf_is_read_and_keeps_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "samconfig.toml"
    file.write_text("\ufeff" + SAMCONFIG, newline="\r\n")
    assert deploy_default(file, "default", "stack_name") == "signin"
    write_parameters(file, "default", {"LogtoAppId": "app-1"})
    raw = file.read_bytes()
    assert raw.startswith(b"# Our defaults.\r\n")
    assert raw.count(b"\r\n") == raw.count(b"\n") == SAMCONFIG.count("\n")
    assert by_sam(file)["LogtoAppId"] == "app-1"


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
