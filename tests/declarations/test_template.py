"""What is declared twice says the same: template, settings, events, README, sam files."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.admin.application import ACTIONS
from local.options import Options
from local.own_name import HOST
from local.sam import function_of, with_example
from local.template import parse_template, read_template, routes_of
from shared.environment import declarations
from shared.settings import Settings
from tests.declarations.settings_table import README, parameter_default, with_table

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATE = read_template(ROOT / "template.yaml")
ALL_FUNCTIONS = {
    name: resource["Properties"]
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
}
FUNCTIONS = {name: f for name, f in ALL_FUNCTIONS.items() if name != "SmokeFunction"}
"""The functions of the product; the smoke check has no setting of it."""
VARIABLES: dict[str, Any] = dict(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
for _function in FUNCTIONS.values():
    VARIABLES |= _function["Environment"]["Variables"]
OF_OTHERS = {
    "POWERTOOLS_LOG_LEVEL",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_TRACE_DISABLED",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_STS",
}
"""Variables that Powertools and botocore read."""
OF_NOBODY = {"PARAMETER_VERSION"}
"""Changes a function where a parameter changes, so that Lambda publishes a version of it."""


SETTINGS = declarations(Settings)
WITH_PARAMETER = {name: each for name, each in SETTINGS.items() if each.parameter}
SAMPLES = [
    *("tenant.logto.app", "https://tenant.logto.app", "https://tenant.logto.app/", "ftp://a.test"),
    *("https://a.test/auth", "https://a.test/?b=c", "https://a.test/#b", "urn:a:b", "javascript:x"),
    *("app", "an id with spaces", "../x", "x" * 80, "x" * 81, "x" * 128, "x" * 129, "two\nlines"),
    *("0", "59", "60", "3600", "-1", "1e3", "true", "false", "yes", "red", "#0b57d0", "#0b57d"),
    "7f3c1f0e-52a1-4d7e-9a40-0d5c64d7c0de",
    "7f3c1f0e-52a1-4d7e-9a40-0d5c64d7c0de, 8f3c1f0e-52a1-4d7e-9a40-0d5c64d7c0de",
    "7F3C1F0E-52A1-4D7E-9A40-0D5C64D7C0DE",
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf",
    "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/sign-in/app-secret",
    "arn:aws:s3:::bucket",
    *('email "roles"', "email\u3000roles", "orders", "https://a.test/api,urn:a:b", "Contoso.com"),
    *(
        "contoso.com fabrikam.com",
        "https://a.test/logo.png?v=1",
        "http://localhost:3100",
        "a\u202eb",
    ),
    "7f3c1f0e-52a1-4d7e-9a40-0d5c64d7c0de/8f3c1f0e-52a1-4d7e-9a40-0d5c64d7c0de=staff",
    "7f3c1f0e-52a1-4d7e-9a40-0d5c64d7c0de/Orders.Write=writer",
    *("/api/{proxy+}=https://a.test/api", "/api/orders", "=", "a=b", "\u6771\u4eac\u3000\u30dd"),
]
"""Values that some setting takes and some other refuses."""
STRICTER = {
    # The template makes URLs of it for its outputs; a deployment is never on this machine.
    "BASE_URL": {"https://tenant.logto.app/", "http://localhost:3100"},
}
"""Values that a setting takes and its parameter refuses."""


def strings_of(value: Any) -> Iterator[str]:
    """Every text in a part of the template, such as the names that an `!If` chooses between."""
    if isinstance(value, list):
        for each in value:
            yield from strings_of(each)
    else:
        yield str(value)


def setting_takes(name: str, value: str) -> bool:
    try:
        SETTINGS[name].kind(value)
    except ValueError:
        return False
    return True


def parameter_takes(parameter: Mapping[str, Any], value: str) -> bool:
    """Whether CloudFormation takes a value for a parameter."""
    if parameter["Type"] == "Number":
        number = int(value) if re.fullmatch(r"-?[0-9]+", value) else None
        return number is not None and parameter["MinValue"] <= number <= parameter["MaxValue"]
    return (
        value in parameter.get("AllowedValues", [value])
        and re.fullmatch(parameter.get("AllowedPattern", r"(?s:.*)"), value) is not None
        and len(value) <= parameter.get("MaxLength", 4096)
    )


def test_readme_has_the_table_of_the_settings() -> None:
    readme = README.read_text()
    assert readme == with_table(readme), "run `make settings`"


def test_functions_have_the_variables_of_the_settings() -> None:
    assert set(VARIABLES) == set(SETTINGS) | OF_OTHERS | OF_NOBODY


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_variable_of_a_function_comes_from_its_parameter(name: str) -> None:
    parameters = {each.parameter for each in WITH_PARAMETER.values()}
    common = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    for variable, value in {**common, **FUNCTIONS[name]["Environment"]["Variables"]}.items():
        used = set(re.findall(r"\w+", " ".join(strings_of(value)))) & parameters
        declared = SETTINGS[variable].parameter if variable in SETTINGS else None
        assert used == ({declared} if declared else set()), variable


@pytest.mark.parametrize("name", WITH_PARAMETER)
def test_parameter_has_the_default_of_its_setting(name: str) -> None:
    setting = SETTINGS[name]
    declared = TEMPLATE["Parameters"][setting.parameter]
    if setting.fix is not None:
        assert "Default" not in declared
    else:
        assert str(declared["Default"]) == parameter_default(setting.default)


@pytest.mark.parametrize("name", WITH_PARAMETER)
def test_parameter_refuses_only_what_its_setting_refuses(name: str) -> None:
    """The setting may be stricter: a pattern of CloudFormation sees a list of words as a whole."""
    declared = TEMPLATE["Parameters"][SETTINGS[name].parameter]
    refused = {value for value in SAMPLES if not parameter_takes(declared, value)}
    assert {value for value in refused if setting_takes(name, value)} == STRICTER.get(name, set())
    limits = {"AllowedPattern", "AllowedValues", "MaxValue"} & set(declared)
    assert bool(refused) or not limits


@pytest.mark.parametrize("name", [n for n in WITH_PARAMETER if n not in STRICTER])
def test_parameter_refuses_each_sample_that_its_setting_refuses(name: str) -> None:
    """Otherwise a stack would deploy functions that do not start."""
    declared = TEMPLATE["Parameters"][SETTINGS[name].parameter]
    taken = {value for value in SAMPLES if parameter_takes(declared, value)}
    assert {value for value in taken if not setting_takes(name, value)} == set()


@pytest.mark.parametrize("name", WITH_PARAMETER)
def test_number_has_the_bounds_of_its_setting(name: str) -> None:
    declared = TEMPLATE["Parameters"][SETTINGS[name].parameter]
    assert (declared["Type"] == "Number") is (type(SETTINGS[name].default) is int)
    if declared["Type"] == "Number":
        least, most = declared["MinValue"], declared["MaxValue"]
        taken = [setting_takes(name, str(n)) for n in (least - 1, least, most, most + 1)]
        assert taken == [False, True, True, False]


def test_template_defaults_are_valid_settings() -> None:
    given = {
        name: str(TEMPLATE["Parameters"][each.parameter].get("Default", ""))
        for name, each in WITH_PARAMETER.items()
    }
    required = {"LOGTO_ENDPOINT": "https://a.test", "LOGTO_APP_ID": "a", "TABLE_NAME": "abc"}
    Settings.from_environment({**given, **required, "LOGTO_APP_SECRET": "s"})


def test_every_event_is_of_a_route_and_every_page_has_one() -> None:
    events = {path.stem: json.loads(path.read_text()) for path in (ROOT / "events").glob("*.json")}
    assert events.pop("admin")["action"] in ACTIONS
    authorized = events.pop("authorizer")
    assert authorized["type"] == "REQUEST"
    routes = {route.key: route for route in routes_of(TEMPLATE, upstream="https://api.example.com")}
    for name, event in {**events, "authorizer": authorized}.items():
        assert event["routeKey"] in routes, name
        assert event["requestContext"]["http"]["path"] == event["rawPath"]
    assert routes[authorized["routeKey"]].authorizer is not None
    for event in events.values():
        assert event["requestContext"]["http"]["method"] == event["routeKey"].split()[0]
    pages = {key.split()[1] for key in routes if key.startswith(("GET", "POST")) and "{" not in key}
    assert {event["rawPath"] for event in events.values()} == pages


def test_each_event_is_invoked_on_the_function_of_its_route() -> None:
    handlers = {route.key: route.handler for route in routes_of(TEMPLATE)}
    for path in (ROOT / "events").glob("*.json"):
        key = json.loads(path.read_text()).get("routeKey")
        if key in handlers:
            assert FUNCTIONS[function_of(path.stem)]["Handler"] == handlers[key]


def test_example_fits_into_the_template() -> None:
    merged = parse_template(with_example("orders"))
    assert set(merged["Resources"]) == {*TEMPLATE["Resources"], "OrdersFunction"}
    assert set(merged["Outputs"]) == set(TEMPLATE["Outputs"])


def test_samconfig_names_files_that_are_there_and_holds_no_secret() -> None:
    text = (ROOT / "samconfig.toml").read_text()
    config = tomllib.loads(text)["default"]
    for command in ("local_invoke", "local_start_api"):
        assert (ROOT / config[command]["parameters"]["env_vars"]).is_file()
        assert config[command]["parameters"]["add_host"] == [f"{HOST}:host-gateway"]
    assert "secret" not in re.sub(r"#.*", "", text).lower()


def test_emulator_gets_only_variables_that_the_template_declares() -> None:
    declared = set(VARIABLES)
    fixed = json.loads((ROOT / "local/sam.json").read_text())["Parameters"]
    assert set(fixed) <= declared
    options = Options(port=3000, logto_port=3100, api_port=3200, table_port=3300, variables={})
    assert options.functions(HOST) == fixed


def statements() -> list[dict[str, Any]]:
    roles = [r for r in TEMPLATE["Resources"].values() if r["Type"] == "AWS::IAM::Role"]
    assert len(roles) == len(ALL_FUNCTIONS)
    found: list[dict[str, Any]] = [
        entry[1] if isinstance(entry, list) else entry
        for role in roles
        for policy in role["Properties"]["Policies"]
        for entry in policy["PolicyDocument"]["Statement"]
    ]
    return found


def test_permissions_name_actions_and_resources() -> None:
    for statement in statements():
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            assert "*" not in action
        if statement["Sid"] != "Traces":  # X-Ray has no resources to name
            assert statement["Resource"] != "*"


def test_table_is_kept_and_can_be_restored() -> None:
    table = TEMPLATE["Resources"]["Table"]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
    point = table["Properties"]["PointInTimeRecoverySpecification"]
    assert point == {"PointInTimeRecoveryEnabled": True}
    assert table["Properties"]["TimeToLiveSpecification"]["AttributeName"] == "expires_at"


def test_every_log_group_has_a_retention() -> None:
    groups = [r for r in TEMPLATE["Resources"].values() if r["Type"] == "AWS::Logs::LogGroup"]
    assert len(groups) == len(ALL_FUNCTIONS) + 1
    assert all(g["Properties"]["RetentionInDays"] == "LogRetentionDays" for g in groups)


def test_api_and_function_do_not_need_each_other_first() -> None:
    """The base URL comes with the request; a variable of the API's address would be a circle."""
    assert "HttpApi" not in yaml.safe_dump(VARIABLES)
    assert TEMPLATE["Parameters"]["Architecture"]["Default"] == "arm64"
