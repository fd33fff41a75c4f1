"""`teardown` and `setup connector`: they remove only what `setup` made."""

import dataclasses

from local.logto.contoso import CONTOSO
from local.logto.tenant import Application, Webhook
from local.microsoft.entra_tenants import Registration
from provision.desired import EVENTS
from tests.provision.operators import BASE_URL, FABRIKAM, Operator, state


def with_others(operator: Operator) -> None:
    """Add an application, a connector, a webhook and an Entra application that others made."""
    operator.tenant.applications["theirs"] = Application(
        id="theirs", secret="their-secret", name="Theirs", redirect_uris=("https://a.test/cb",)
    )
    theirs = dataclasses.replace(CONTOSO, id="theirs", name="theirs", client_id="c")
    operator.tenant.connectors["theirs"] = theirs
    operator.tenant.webhooks = (
        Webhook(id="theirs", url="https://a.test/hook", signing_key="key-1"),
    )
    registration = Registration(members={"displayName": "Theirs", "tags": [], "web": {}})
    operator.entra.registrations[registration.id] = registration


def test_teardown_removes_only_what_setup_made(operator: Operator) -> None:
    with_others(operator)
    (operator.root / ".env").write_text("# mine\nPORT=3999\n")
    before = state(operator.tenant)
    operator.setup("--no-trust-unverified-email")
    operator.add()
    result = operator.teardown("--json")
    assert result.code == 0, result.err
    after = state(operator.tenant)
    # Another connector may need enterprise SSO by now, so it stays on.
    assert after[4] is True
    assert after[:4] == before[:4]
    assert operator.env() == "# mine\nPORT=3999\n"
    assert list((operator.root / ".local").rglob("*.json")) == []
    assert {one["what"] for one in result.json["changed"]} >= {
        "connector at Logto",
        "application at Entra",
        "webhook at Logto",
        "application at Logto",
    }


def test_teardown_restores_everything(operator: Operator) -> None:
    before = state(operator.tenant)
    operator.setup()
    assert operator.teardown().code == 0
    assert state(operator.tenant) == before


def test_teardown_without_consent_changes_nothing(operator: Operator) -> None:
    operator.setup()
    before = state(operator.tenant)
    planned = operator.teardown("--dry-run", "--json")
    assert planned.code == 0
    assert state(operator.tenant) == before
    assert len(planned.json["would_change"]) == 6
    operator.answers = ["no"]
    assert operator.run("teardown", *operator.where(), *operator.graph_options()).code == 1
    assert state(operator.tenant) == before
    operator.answers = None
    assert operator.run("teardown", *operator.where(), *operator.graph_options()).code == 2
    assert state(operator.tenant) == before


def test_teardown_twice_changes_nothing_and_says_that_the_record_is_gone(
    operator: Operator,
) -> None:
    operator.setup()
    operator.teardown()
    again = operator.teardown()
    assert again.code == 0
    assert "Nothing to change." in again.out
    assert "There is no record" in again.out


def test_teardown_without_the_record_removes_application_and_webhook(operator: Operator) -> None:
    """Their markers at Logto are enough to find them."""
    operator.setup()
    (record,) = operator.root.rglob("*.json")
    record.unlink()
    assert operator.teardown().code == 0
    assert operator.tenant.applications == {}
    assert operator.tenant.webhooks == ()
    assert len(operator.tenant.connectors) == 1


STAGING = "https://staging.example.test"


def test_teardown_keeps_a_connector_that_another_deployment_uses(operator: Operator) -> None:
    staging = operator.elsewhere(STAGING)
    assert operator.setup().code == 0
    assert staging.setup("--name", "Staging", "--env-file", "staging.env").code == 0
    (registered,) = operator.entra.registrations.values()
    before = operator.setup("--json")
    assert before.json["changed"] == []
    result = staging.teardown("--env-file", "staging.env")
    assert result.code == 0, result.err
    assert f"entra-contoso and its application stay, because {BASE_URL} uses them too" in result.out
    assert list(operator.tenant.connectors) == ["contoso00001"]
    assert list(operator.entra.registrations.values()) == [registered]
    assert operator.tenant.single_sign_on_enabled
    assert [one.name for one in operator.tenant.applications.values()] == ["Northwind"]
    assert "Nothing to change." in operator.setup().out
    operator.teardown()
    assert operator.tenant.connectors == {}
    assert operator.entra.registrations == {}


def test_teardown_of_the_last_deployment_removes_the_connector(operator: Operator) -> None:
    """Even if another deployment made it: none is left to remove it."""
    staging = operator.elsewhere(STAGING)
    operator.setup()
    staging.setup("--name", "Staging", "--env-file", "staging.env")
    options = [*operator.where(), *operator.graph_options(), "--yes"]
    removed = operator.run("setup", "connector", "remove", "entra-contoso", *options)
    assert removed.code == 0, removed.err
    assert f"{STAGING} uses them too" in removed.out
    assert list(operator.tenant.connectors) == ["contoso00001"]
    assert staging.teardown("--env-file", "staging.env").code == 0
    assert operator.tenant.connectors == {}
    assert operator.entra.registrations == {}


def test_teardown_keeps_an_application_at_entra_that_another_connector_uses(
    operator: Operator,
) -> None:
    operator.setup()
    (connector,) = operator.tenant.connectors.values()
    (registered,) = operator.entra.registrations.values()
    theirs = dataclasses.replace(connector, id="theirs", name="theirs")
    operator.tenant.connectors["theirs"] = theirs
    assert operator.teardown().code == 0
    assert operator.tenant.connectors == {"theirs": theirs}
    assert list(operator.entra.registrations.values()) == [registered]


def test_teardown_keeps_settings_that_somebody_has_changed(operator: Operator) -> None:
    operator.setup()
    env = operator.root / ".env"
    env.write_text(env.read_text().replace("LOGTO_APP_ID=local-app", "LOGTO_APP_ID=another"))
    before = env.read_text()
    assert operator.teardown().code == 0
    assert env.read_text() == before


def test_teardown_keeps_a_webhook_that_was_made_by_hand(operator: Operator) -> None:
    url = f"{BASE_URL}/webhooks/logto"
    events = (*EVENTS, "User.Created")
    theirs = Webhook(id="theirs", url=url, signing_key="k-1", events=events, name="Ours")
    operator.tenant.webhooks = (theirs,)
    assert operator.setup().code == 0
    assert "LOGTO_WEBHOOK_SIGNING_KEY=k-1" in operator.env()
    assert operator.teardown().code == 0
    assert operator.tenant.webhooks == (theirs,)


def test_teardown_names_an_application_that_was_registered_by_hand(operator: Operator) -> None:
    operator.answers = ["theirs", "secret-of-theirs"]
    operator.setup("--manual-entra")
    operator.answers = None
    result = operator.teardown()
    assert result.code == 0
    assert operator.tenant.connectors == {}
    assert "At Entra, remove the application theirs by hand." in result.out


def test_teardown_without_microsoft_removes_the_rest(operator: Operator) -> None:
    """For operators who have no permission at Entra."""
    operator.setup()
    operator.add()
    (registered,) = operator.entra.registrations.values()
    operator.entra.may_register = False
    assert "--manual-entra" in operator.teardown().err
    options = [*operator.where(), "--yes", "--manual-entra"]
    removed = operator.run("setup", "connector", "remove", "entra-fabrikam", *options)
    assert removed.code == 0, removed.err
    assert list(operator.tenant.connectors) == ["contoso00001"]
    result = operator.teardown("--manual-entra")
    assert result.code == 0, result.err
    assert f"At Entra, remove the application {registered.client_id} by hand." in result.out
    assert operator.tenant.connectors == {}
    assert operator.tenant.applications == {}
    assert list(operator.entra.registrations.values()) == [registered]


def test_teardown_without_microsoft_keeps_a_connector_of_another_deployment(
    operator: Operator,
) -> None:
    staging = operator.elsewhere(STAGING)
    operator.setup()
    staging.setup("--name", "Staging", "--env-file", "staging.env")
    result = staging.teardown("--env-file", "staging.env", "--manual-entra")
    assert result.code == 0, result.err
    assert f"remove the tag serverless-sign-in-used-by:{STAGING}" in result.out
    assert list(operator.tenant.connectors) == ["contoso00001"]


def test_removing_the_default_connector_clears_the_setting(operator: Operator) -> None:
    operator.setup("--default-connector")
    options = [*operator.where(), *operator.graph_options(), "--yes"]
    remove = ("setup", "connector", "remove", "entra-contoso", *options)
    planned = operator.run(*remove, "--dry-run")
    assert "LOGTO_DEFAULT_CONNECTOR" in planned.err
    assert "LOGTO_DEFAULT_CONNECTOR=contoso00001" in operator.env()
    result = operator.run(*remove)
    assert result.code == 0, result.err
    assert "LOGTO_DEFAULT_CONNECTOR was contoso00001, and is no longer set." in result.out
    assert "LOGTO_DEFAULT_CONNECTOR" not in operator.env()
    assert "LOGTO_APP_ID" in operator.env()


def test_removing_a_default_connector_that_is_gone_clears_the_setting(operator: Operator) -> None:
    """Somebody has removed it in the Logto Console."""
    operator.setup("--default-connector")
    operator.tenant.connectors.clear()
    options = [*operator.where(), *operator.graph_options(), "--yes"]
    assert operator.run("setup", "connector", "remove", "entra-contoso", *options).code == 0
    assert "LOGTO_DEFAULT_CONNECTOR" not in operator.env()
    assert operator.entra.registrations == {}


def test_removing_another_connector_keeps_the_default_connector(operator: Operator) -> None:
    operator.setup("--default-connector")
    operator.add()
    options = [*operator.where(), *operator.graph_options(), "--yes"]
    assert operator.run("setup", "connector", "remove", "entra-fabrikam", *options).code == 0
    assert "LOGTO_DEFAULT_CONNECTOR=contoso00001" in operator.env()


def test_connectors_are_added_listed_and_removed(operator: Operator) -> None:
    operator.setup()
    added = operator.add("--json")
    assert added.code == 0, added.err
    (link,) = added.json["connectors"]
    assert link["sign_in_url"] == f"{BASE_URL}/sign-in?connector={link['id']}"
    connector = operator.tenant.connectors[link["id"]]
    assert connector.domains == ("fabrikam.com",)
    assert connector.issuer == f"{operator.logto}/entra/{FABRIKAM}/v2.0"
    (registered,) = operator.tenant.entra_tenants[FABRIKAM].registrations.values()
    assert registered.redirect_uris == [link["redirect_uri"], f"{BASE_URL}/signed-out"]
    assert operator.add("--json").json["changed"] == []

    listed = operator.run("setup", "connector", "list", *operator.where(), "--json")
    assert [one["name"] for one in listed.json["connectors"]] == [
        "entra-contoso",
        "entra-fabrikam",
    ]
    assert all(one["secret_ends_at"] for one in listed.json["connectors"])
    printed = operator.run("setup", "connector", "list", *operator.where()).out
    assert link["sign_in_url"] in printed

    options = [*operator.where(), *operator.graph_options(), "--yes"]
    removed = operator.run("setup", "connector", "remove", "entra-fabrikam", *options)
    assert removed.code == 0, removed.err
    assert list(operator.tenant.connectors) == ["contoso00001"]
    assert operator.tenant.entra_tenants[FABRIKAM].registrations == {}
    assert len(operator.entra.registrations) == 1
    assert "Nothing to change." in operator.setup().out


def test_remove_refuses_a_connector_that_setup_did_not_make(operator: Operator) -> None:
    with_others(operator)
    before = state(operator.tenant)
    result = operator.run("setup", "connector", "remove", "theirs", *operator.where(), "--yes")
    assert result.code == 1
    assert "`setup` made no connector theirs" in result.err
    assert state(operator.tenant) == before
