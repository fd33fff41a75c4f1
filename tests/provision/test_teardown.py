"""`teardown` and `setup connector`: only what `setup` made goes."""

import dataclasses

from local.logto.contoso import CONTOSO
from local.logto.tenant import Application, Webhook
from local.microsoft.entra_tenants import Registration
from tests.provision.conftest import BASE_URL, FABRIKAM, Desk, state


def with_others(desk: Desk) -> None:
    """An administrator's own application, connector, webhook and Entra application."""
    desk.tenant.applications["theirs"] = Application(
        id="theirs", secret="their-secret", name="Theirs", redirect_uris=("https://a.test/cb",)
    )
    theirs = dataclasses.replace(CONTOSO, id="theirs", name="theirs", client_id="c")
    desk.tenant.connectors["theirs"] = theirs
    desk.tenant.webhooks = (Webhook(id="theirs", url="https://a.test/hook", signing_key="key-1"),)
    registration = Registration(members={"displayName": "Theirs", "tags": [], "web": {}})
    desk.entra.registrations[registration.id] = registration


def test_only_what_was_made(desk: Desk) -> None:
    with_others(desk)
    (desk.root / ".env").write_text("# mine\nPORT=3999\n")
    before = state(desk.tenant)
    desk.setup()
    desk.add()
    ran = desk.teardown("--json")
    assert ran.code == 0, ran.err
    after = state(desk.tenant)
    # Another connector may need it by now: it stays on.
    assert after[4] is True
    assert after[:4] == before[:4]
    assert desk.env() == "# mine\nPORT=3999\n"
    assert list((desk.root / ".local").rglob("*.json")) == []
    assert {one["what"] for one in ran.json["changed"]} >= {
        "connector at Logto",
        "application at Entra",
        "webhook at Logto",
        "application at Logto",
    }


def test_everything_is_as_before(desk: Desk) -> None:
    before = state(desk.tenant)
    desk.setup()
    assert desk.teardown().code == 0
    assert state(desk.tenant) == before


def test_dry_run_and_no(desk: Desk) -> None:
    desk.setup()
    before = state(desk.tenant)
    planned = desk.teardown("--dry-run", "--json")
    assert planned.code == 0
    assert state(desk.tenant) == before
    assert len(planned.json["would_change"]) == 6
    desk.answers = ["no"]
    graph = ("--graph-endpoint", f"{desk.logto}/graph/v1.0")
    assert desk.run("teardown", *desk.where(), *graph).code == 1
    assert state(desk.tenant) == before
    desk.answers = None
    assert desk.run("teardown", *desk.where(), *graph).code == 2
    assert state(desk.tenant) == before


def test_twice(desk: Desk) -> None:
    desk.setup()
    desk.teardown()
    again = desk.teardown()
    assert again.code == 0
    assert "Nothing to change." in again.out
    assert "There is no record" in again.out


def test_without_the_record(desk: Desk) -> None:
    """The marks at Logto are enough for the application and the webhook."""
    desk.setup()
    (record,) = desk.root.rglob("*.json")
    record.unlink()
    assert desk.teardown().code == 0
    assert desk.tenant.applications == {}
    assert desk.tenant.webhooks == ()
    assert len(desk.tenant.connectors) == 1


STAGING = "https://staging.example.test"


def test_connector_that_another_deployment_uses_stays(desk: Desk) -> None:
    staging = desk.elsewhere(STAGING)
    assert desk.setup().code == 0
    assert staging.setup("--name", "Staging", "--env-file", "staging.env").code == 0
    (registered,) = desk.entra.registrations.values()
    before = desk.setup("--json")
    assert before.json["changed"] == []
    ran = staging.teardown("--env-file", "staging.env")
    assert ran.code == 0, ran.err
    assert f"entra-contoso and its application stay: {BASE_URL} uses them too" in ran.out
    assert list(desk.tenant.connectors) == ["contoso00001"]
    assert list(desk.entra.registrations.values()) == [registered]
    assert desk.tenant.single_sign_on_enabled
    assert [one.name for one in desk.tenant.applications.values()] == ["Northwind"]
    assert "Nothing to change." in desk.setup().out
    desk.teardown()
    assert desk.tenant.connectors == {}
    assert desk.entra.registrations == {}


def test_the_last_deployment_removes_the_connector(desk: Desk) -> None:
    """Whoever made it: nobody else is left to."""
    staging = desk.elsewhere(STAGING)
    desk.setup()
    staging.setup("--name", "Staging", "--env-file", "staging.env")
    options = [*desk.where(), "--graph-endpoint", f"{desk.logto}/graph/v1.0", "--yes"]
    removed = desk.run("setup", "connector", "remove", "entra-contoso", *options)
    assert removed.code == 0, removed.err
    assert f"{STAGING} uses them too" in removed.out
    assert list(desk.tenant.connectors) == ["contoso00001"]
    assert staging.teardown("--env-file", "staging.env").code == 0
    assert desk.tenant.connectors == {}
    assert desk.entra.registrations == {}


def test_application_at_entra_that_a_connector_needs_stays(desk: Desk) -> None:
    """Somebody has made another connector with it."""
    desk.setup()
    (connector,) = desk.tenant.connectors.values()
    (registered,) = desk.entra.registrations.values()
    theirs = dataclasses.replace(connector, id="theirs", name="theirs")
    desk.tenant.connectors["theirs"] = theirs
    assert desk.teardown().code == 0
    assert desk.tenant.connectors == {"theirs": theirs}
    assert list(desk.entra.registrations.values()) == [registered]


def test_settings_that_somebody_has_changed_stay(desk: Desk) -> None:
    desk.setup()
    env = desk.root / ".env"
    env.write_text(env.read_text().replace("LOGTO_APP_ID=local-app", "LOGTO_APP_ID=another"))
    before = env.read_text()
    assert desk.teardown().code == 0
    assert env.read_text() == before


def test_webhook_that_was_made_by_hand_stays(desk: Desk) -> None:
    url = f"{BASE_URL}/webhooks/logto"
    events = ("User.SuspensionStatus.Updated", "User.Deleted", "User.Created")
    theirs = Webhook(id="theirs", url=url, signing_key="k-1", events=events, name="Ours")
    desk.tenant.webhooks = (theirs,)
    assert desk.setup().code == 0
    assert "LOGTO_WEBHOOK_SIGNING_KEY=k-1" in desk.env()
    assert desk.teardown().code == 0
    assert desk.tenant.webhooks == (theirs,)


def test_by_hand_at_entra(desk: Desk) -> None:
    desk.answers = ["theirs", "secret-of-theirs"]
    desk.setup("--manual-entra")
    desk.answers = None
    ran = desk.teardown()
    assert ran.code == 0
    assert desk.tenant.connectors == {}
    assert "At Entra, remove the application theirs by hand." in ran.out


def test_without_microsoft(desk: Desk) -> None:
    """Whoever may do nothing at Entra removes the rest."""
    desk.setup()
    desk.add()
    (registered,) = desk.entra.registrations.values()
    desk.entra.may_register = False
    assert "--manual-entra" in desk.teardown().err
    options = [*desk.where(), "--yes", "--manual-entra"]
    removed = desk.run("setup", "connector", "remove", "entra-fabrikam", *options)
    assert removed.code == 0, removed.err
    assert list(desk.tenant.connectors) == ["contoso00001"]
    ran = desk.teardown("--manual-entra")
    assert ran.code == 0, ran.err
    assert f"At Entra, remove the application {registered.client_id} by hand." in ran.out
    assert desk.tenant.connectors == {}
    assert desk.tenant.applications == {}
    assert list(desk.entra.registrations.values()) == [registered]


def test_without_microsoft_a_connector_of_another_deployment_stays(desk: Desk) -> None:
    staging = desk.elsewhere(STAGING)
    desk.setup()
    staging.setup("--name", "Staging", "--env-file", "staging.env")
    ran = staging.teardown("--env-file", "staging.env", "--manual-entra")
    assert ran.code == 0, ran.err
    assert f"remove the tag serverless-sign-in-used-by:{STAGING}" in ran.out
    assert list(desk.tenant.connectors) == ["contoso00001"]


def test_a_default_connector_that_is_removed_is_none(desk: Desk) -> None:
    desk.setup("--default-connector")
    options = [*desk.where(), "--graph-endpoint", f"{desk.logto}/graph/v1.0", "--yes"]
    remove = ("setup", "connector", "remove", "entra-contoso", *options)
    planned = desk.run(*remove, "--dry-run")
    assert "LOGTO_DEFAULT_CONNECTOR" in planned.err
    assert "LOGTO_DEFAULT_CONNECTOR=contoso00001" in desk.env()
    ran = desk.run(*remove)
    assert ran.code == 0, ran.err
    assert "LOGTO_DEFAULT_CONNECTOR was contoso00001, and is not set any more." in ran.out
    assert "LOGTO_DEFAULT_CONNECTOR" not in desk.env()
    assert "LOGTO_APP_ID" in desk.env()


def test_a_default_connector_that_is_gone_is_none(desk: Desk) -> None:
    """Somebody has removed it in the Logto Console."""
    desk.setup("--default-connector")
    desk.tenant.connectors.clear()
    options = [*desk.where(), "--graph-endpoint", f"{desk.logto}/graph/v1.0", "--yes"]
    assert desk.run("setup", "connector", "remove", "entra-contoso", *options).code == 0
    assert "LOGTO_DEFAULT_CONNECTOR" not in desk.env()
    assert desk.entra.registrations == {}


def test_another_default_connector_stays(desk: Desk) -> None:
    desk.setup("--default-connector")
    desk.add()
    options = [*desk.where(), "--graph-endpoint", f"{desk.logto}/graph/v1.0", "--yes"]
    assert desk.run("setup", "connector", "remove", "entra-fabrikam", *options).code == 0
    assert "LOGTO_DEFAULT_CONNECTOR=contoso00001" in desk.env()


def test_customers(desk: Desk) -> None:
    desk.setup()
    added = desk.add("--json")
    assert added.code == 0, added.err
    (link,) = added.json["connectors"]
    assert link["sign_in_url"] == f"{BASE_URL}/sign-in?connector={link['id']}"
    connector = desk.tenant.connectors[link["id"]]
    assert connector.domains == ("fabrikam.com",)
    assert connector.issuer == f"{desk.logto}/entra/{FABRIKAM}/v2.0"
    (registered,) = desk.tenant.entra_tenants[FABRIKAM].registrations.values()
    assert registered.redirect_uris == [link["redirect_uri"]]
    assert desk.add("--json").json["changed"] == []

    listed = desk.run("setup", "connector", "list", *desk.where(), "--json")
    assert [one["name"] for one in listed.json["connectors"]] == [
        "entra-contoso",
        "entra-fabrikam",
    ]
    assert all(one["secret_ends_at"] for one in listed.json["connectors"])
    told = desk.run("setup", "connector", "list", *desk.where()).out
    assert link["sign_in_url"] in told

    graph = ("--graph-endpoint", f"{desk.logto}/graph/v1.0")
    options = [*desk.where(), *graph, "--yes"]
    removed = desk.run("setup", "connector", "remove", "entra-fabrikam", *options)
    assert removed.code == 0, removed.err
    assert list(desk.tenant.connectors) == ["contoso00001"]
    assert desk.tenant.entra_tenants[FABRIKAM].registrations == {}
    assert len(desk.entra.registrations) == 1
    assert "Nothing to change." in desk.setup().out


def test_connector_of_somebody_else_is_not_removed(desk: Desk) -> None:
    with_others(desk)
    before = state(desk.tenant)
    ran = desk.run("setup", "connector", "remove", "theirs", *desk.where(), "--yes")
    assert ran.code == 1
    assert "`setup` made no connector theirs" in ran.err
    assert state(desk.tenant) == before
