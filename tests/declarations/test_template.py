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
from local.sam import HOST, function_of, with_example
from local.template import parse_template, read_template, routes_of
from shared.errors import SettingsInvalid
from shared.settings import DEFAULT_SCOPES, Settings

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


class Recording(Mapping[str, str]):
    """An empty environment that notes which names are asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return default

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def names_read() -> set[str]:
    environment = Recording()
    with pytest.raises(SettingsInvalid):
        Settings.from_environment(environment)
    return environment.names - {"AWS_SAM_LOCAL"}


def settings_table() -> dict[str, list[str]]:
    """The rows of the README's table of settings, by variable."""
    rows = re.findall(r"^\| `([A-Z_]+)` \|(.*)\|$", (ROOT / "README.md").read_text(), re.M)
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in rows}


def test_template_sets_every_variable_that_is_read() -> None:
    assert set(VARIABLES) == names_read() | OF_OTHERS | OF_NOBODY


def test_readme_lists_every_variable_that_is_read() -> None:
    assert set(settings_table()) == names_read()


def test_readme_template_and_settings_agree_on_defaults() -> None:
    required = {"LOGTO_ENDPOINT": "https://a.test", "LOGTO_APP_ID": "a", "TABLE_NAME": "abc"}
    defaults = Settings.from_environment({**required, "LOGTO_APP_SECRET": "s"})
    parameters = TEMPLATE["Parameters"]
    assert tuple(parameters["LogtoScopes"]["Default"].split()) == DEFAULT_SCOPES
    assert parameters["SessionIdleSeconds"]["Default"] == defaults.session_idle_seconds
    assert parameters["SessionAbsoluteSeconds"]["Default"] == defaults.session_absolute_seconds
    assert parameters["RevalidateSeconds"]["Default"] == defaults.revalidate_seconds
    assert parameters["RevalidateGraceSeconds"]["Default"] == defaults.revalidate_grace_seconds
    assert parameters["BrandName"]["Default"] == defaults.brand_name
    rows = settings_table()
    for name, (parameter, default, _) in rows.items():
        declared = parameters.get(parameter.strip("`"), {})
        if default.startswith("`"):
            assert str(declared["Default"]) == default.strip("`"), name
    for name in VARIABLES:
        if name in rows and rows[name][0].startswith("`"):
            assert rows[name][0].strip("`") in parameters, name


def test_template_defaults_are_valid_settings() -> None:
    given = {
        name: str(TEMPLATE["Parameters"].get(value, {}).get("Default", ""))
        for name, value in VARIABLES.items()
        if isinstance(value, str) and value in TEMPLATE["Parameters"]
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
