"""A plan lists every change that is then made, with the object and its old and new values."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from local.logto.tenant import Application
from tests.provision.operators import ENTRA_SECRET, Operator, secrets_of
from tests.provision.stacks import deploy

Prepare = Callable[[Operator], None]
SECRETS = ("LOGTO_APP_SECRET", "LOGTO_WEBHOOK_SIGNING_KEY", "clientSecret")


def after_setup(change: Prepare) -> Prepare:
    def prepare(operator: Operator) -> None:
        assert operator.setup().code == 0
        change(operator)

    return prepare


def secret_ends_soon(operator: Operator) -> None:
    now = operator.clock()
    operator.clock = operator.stand_in.state.clock = lambda: now + 151 * 86_400


def application_changed(operator: Operator) -> None:
    (application,) = operator.tenant.applications.values()
    application.redirect_uris = ("https://a.test/cb",)
    application.backchannel_logout_uri = None
    application.always_issue_refresh_token = False


def connector_changed(operator: Operator) -> None:
    for connector in list(operator.tenant.connectors.values()):
        operator.tenant.connectors[connector.id] = dataclasses.replace(
            connector, domains=("contoso.de",), sync_profile=False
        )


def webhook_changed(operator: Operator) -> None:
    (hook,) = operator.tenant.webhooks
    operator.tenant.webhooks = (dataclasses.replace(hook, events=("User.Deleted",)),)


CASES: dict[str, Prepare] = {
    "nothing is there": lambda operator: None,
    "nothing changes": after_setup(lambda operator: None),
    "the application is gone": after_setup(lambda one: one.tenant.applications.clear()),
    "the application is changed": after_setup(application_changed),
    "the webhook is gone": after_setup(lambda one: setattr(one.tenant, "webhooks", ())),
    "the webhook is changed": after_setup(webhook_changed),
    "the connector is gone": after_setup(lambda one: one.tenant.connectors.clear()),
    "the connector is changed": after_setup(connector_changed),
    "the client secret ends soon": after_setup(secret_ends_soon),
    "Entra's application is gone": after_setup(lambda one: one.entra.registrations.clear()),
    "its client secrets are gone": after_setup(
        lambda one: next(iter(one.entra.registrations.values())).passwords.clear()
    ),
    "its service principal is gone": after_setup(lambda one: one.entra.service_principals.clear()),
    "enterprise SSO is off": after_setup(
        lambda one: setattr(one.tenant, "single_sign_on_enabled", False)
    ),
    "the settings are gone": after_setup(lambda one: (one.root / ".env").unlink()),
}


def shape(change: dict[str, Any]) -> tuple[Any, ...]:
    """What a plan can know of a change: an id or a secret may not exist yet."""
    names = tuple(value["name"] for value in change["values"])
    return change["what"], change["action"], change["name"], names


@pytest.mark.parametrize("name", CASES)
def test_a_plan_lists_every_change(operator: Operator, name: str) -> None:
    CASES[name](operator)
    planned = operator.setup("--dry-run", "--json").json["would_change"]
    done = operator.setup("--json").json["changed"]
    assert [shape(one) for one in planned] == [shape(one) for one in done]
    assert operator.setup("--json").json["changed"] == []
    for one in [*planned, *done]:
        assert one["name"] or one["values"]
        assert all(
            value["before"] in (None, "(hidden)") and value["after"] in (None, "(hidden)")
            for value in one["values"]
            if value["name"] in SECRETS
        )
    existing = [one for one in planned if one["action"] in ("update", "remove")]
    assert all(one["id"] or one["what"] == "client secret at Entra" for one in existing)


@pytest.mark.parametrize("name", CASES)
def test_a_plan_of_teardown_lists_every_change(operator: Operator, name: str) -> None:
    CASES[name](operator)
    planned = operator.teardown("--dry-run", "--json").json["would_change"]
    done = operator.teardown("--json").json["changed"]
    assert [shape(one) for one in planned] == [shape(one) for one in done]


def test_a_printed_plan_has_old_and_new_values_and_no_secret(operator: Operator) -> None:
    plan = operator.setup("--dry-run").err
    assert "- application at Logto: create Northwind\n" in plan
    assert "- service principal at Entra: create Contoso sign-in through Logto\n" in plan
    assert "    LOGTO_APP_SECRET: (hidden)\n" in plan
    operator.setup()
    connector_changed(operator)
    secret_ends_soon(operator)
    plan = operator.setup("--dry-run").err
    assert "- connector at Logto: update entra-contoso (contoso00001)\n" in plan
    assert "    domains: contoso.de -> contoso.de, contoso.com\n" in plan
    assert "    clientSecret: (hidden) -> (hidden)\n" in plan
    assert not [secret for secret in secrets_of(operator) if secret in plan]


def test_setup_turns_refresh_tokens_on_and_says_why(operator: Operator) -> None:
    result = operator.setup()
    (application,) = operator.tenant.applications.values()
    assert application.always_issue_refresh_token
    assert "alwaysIssueRefreshToken is turned on, because" in result.out
    application.always_issue_refresh_token = False
    application.further_custom_metadata = {"idTokenTtl": 1800}
    again = operator.setup("--json").json
    (change,) = again["changed"]
    assert change["values"] == [{"name": "alwaysIssueRefreshToken", "before": False, "after": True}]
    assert application.always_issue_refresh_token
    assert application.further_custom_metadata == {"idTokenTtl": 1800}


def test_teardown_without_its_record_names_the_settings_that_are_left(operator: Operator) -> None:
    operator.setup("--default-connector")
    (record,) = operator.root.rglob("*.json")
    record.unlink()
    for more in (("--dry-run",), ()):
        result = operator.teardown(*more)
        assert result.code == 0, result.err
        left = "LOGTO_APP_ID, LOGTO_APP_SECRET, LOGTO_WEBHOOK_SIGNING_KEY, LOGTO_ENDPOINT"
        assert f"{operator.root / '.env'} still has {left}" in result.out
        assert "Logto has entra-contoso (contoso00001)" in result.out


def test_teardown_with_its_record_names_no_setting(operator: Operator) -> None:
    operator.setup("--default-connector")
    assert "still has" not in operator.teardown("--dry-run").out
    assert "still has" not in operator.teardown().out


def test_teardown_names_the_settings_of_another_file(operator: Operator) -> None:
    operator.setup()
    copy = operator.root / "other.env"
    copy.write_text(operator.env())
    result = operator.teardown("--env-file", "other.env")
    assert f"{copy} still has LOGTO_APP_ID" in result.out


@pytest.mark.parametrize(
    "more",
    [
        ("--adopt", "theirs"),
        ("--default-connector",),
        ("--group-claims", "--entra-audience", "AzureADMultipleOrgs"),
        ("--manual-entra", "--entra-client-id", "theirs"),
    ],
    ids=" ".join,
)
def test_a_plan_with_options_lists_every_change(operator: Operator, more: tuple[str, ...]) -> None:
    operator.environment = {"ENTRA_CLIENT_SECRET": ENTRA_SECRET}
    operator.tenant.applications["theirs"] = Application(
        id="theirs", secret="their-secret", redirect_uris=()
    )
    planned = operator.setup("--dry-run", "--json", *more).json["would_change"]
    done = operator.setup("--json", *more).json["changed"]
    assert [shape(one) for one in planned] == [shape(one) for one in done]
    assert operator.setup("--json", *more).json["changed"] == []
    planned = operator.teardown("--dry-run", "--json").json["would_change"]
    done = operator.teardown("--json").json["changed"]
    assert [shape(one) for one in planned] == [shape(one) for one in done]


def test_a_plan_for_another_customer_lists_every_change(operator: Operator) -> None:
    operator.setup("--no-trust-unverified-email")
    planned = operator.add("--dry-run", "--json").json["would_change"]
    done = operator.add("--json").json["changed"]
    assert [shape(one) for one in planned] == [shape(one) for one in done]


def test_a_plan_for_a_stack_lists_every_change(
    operator: Operator, moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    stack = deploy("https://app.example.test")
    operator.session = stack.session
    planned = operator.setup_stack(stack.name, "--dry-run", "--json").json["would_change"]
    done = operator.setup_stack(stack.name, "--json").json["changed"]
    assert [shape(one) for one in planned] == [shape(one) for one in done]
    assert {one["name"] for one in done if one["what"] == "secret on AWS"} == set(SECRETS[:2])
    assert operator.setup_stack(stack.name, "--json").json["changed"] == []
    stack.parameters |= {"LogtoAppId": "local-app", "LogtoEndpoint": operator.logto}
    (record,) = operator.root.rglob("*.json")
    record.unlink()
    where = ("--stack-name", stack.name, "--logto-endpoint", operator.logto, "--yes")
    result = operator.run("teardown", *where, *operator.graph_options())
    assert result.code == 0, result.err
    assert "samconfig.toml still has LogtoAppId, LogtoEndpoint, for what is removed" in result.out
    assert "The deployed stack still has LogtoAppId, LogtoEndpoint" in result.out
