"""`setup` against Logto and Entra that nobody has set up, and that others use too."""

import dataclasses
from pathlib import Path

import pytest

from local.logto.contoso import CONTOSO
from local.logto.tenant import Application
from local.microsoft import graph
from local.microsoft.entra_tenants import Registration
from provision.steps.registration import SECRET_NAME
from tests.provision.conftest import BASE_URL, ENTRA_SECRET, Desk, Ran, state


def test_from_nothing(desk: Desk) -> None:
    ran = desk.setup()
    assert ran.code == 0, ran.err
    (application,) = desk.tenant.applications.values()
    assert application.name == "Northwind"
    assert application.redirect_uris == (f"{BASE_URL}/callback",)
    assert application.post_logout_redirect_uris == (f"{BASE_URL}/",)
    assert application.backchannel_logout_uri == f"{BASE_URL}/backchannel-logout"
    assert application.backchannel_logout_session_required is True
    (hook,) = desk.tenant.webhooks
    assert hook.url == f"{BASE_URL}/webhooks/logto"
    assert set(hook.events) == {"User.SuspensionStatus.Updated", "User.Deleted"}
    (connector,) = desk.tenant.connectors.values()
    assert (connector.name, connector.display_name) == ("entra-contoso", "Contoso")
    assert connector.issuer == f"{desk.logto}/entra/{CONTOSO.tenant_id}/v2.0"
    assert connector.domains == ("contoso.com",)
    assert connector.trust_unverified_email
    assert connector.sync_profile
    (registered,) = desk.entra.registrations.values()
    assert registered.client_id == connector.client_id
    assert registered.redirect_uris == [f"{desk.logto}/callback/{connector.id}"]
    assert registered.members["signInAudience"] == "AzureADMyOrg"
    assert [c["name"] for c in registered.members["optionalClaims"]["idToken"]] == ["email"]
    assert [p.text for p in registered.passwords] == [connector.client_secret]
    assert list(desk.entra.service_principals.values()) == [registered.client_id]
    assert desk.tenant.single_sign_on_enabled
    assert f"{BASE_URL}/sign-in?connector={connector.id}" in ran.out
    assert f"/{CONTOSO.tenant_id}/adminconsent?client_id={connector.client_id}" in ran.out


def test_twice(desk: Desk) -> None:
    desk.setup()
    before = state(desk.tenant)
    desk.stand_in.requests.clear()
    again = desk.setup()
    assert again.code == 0
    assert "Nothing to change." in again.out
    assert state(desk.tenant) == before
    writes = [r for r in desk.stand_in.requests if r[0] != "GET" and not r[1].endswith("/token")]
    assert writes == []


def test_twice_without_the_record(desk: Desk) -> None:
    desk.setup()
    before = state(desk.tenant)
    (record,) = (desk.root / ".local").rglob("*.json")
    was = record.read_text()
    record.unlink()
    again = desk.setup("--json")
    assert again.json["changed"] == []
    assert state(desk.tenant) == before
    assert '"made": true' in record.read_text()
    assert record.read_text().count("made") == was.count("made")


def test_dry_run_changes_nothing(desk: Desk) -> None:
    before = state(desk.tenant)
    ran = desk.setup("--dry-run", "--json")
    assert ran.code == 0
    assert {one["what"] for one in ran.json["would_change"]} >= {
        "application at Logto",
        "webhook at Logto",
        "application at Entra",
        "client secret at Entra",
        "connector at Logto",
        "redirect URI at Entra",
        "enterprise SSO at Logto",
    }
    assert ran.json["changed"] == []
    assert state(desk.tenant) == before
    assert list(desk.root.iterdir()) == []


def test_plan_is_what_is_done(desk: Desk) -> None:
    planned = desk.setup("--dry-run", "--json").json["would_change"]
    done = desk.setup("--json").json["changed"]
    kinds = [(one["what"], one["action"]) for one in done]
    assert [(one["what"], one["action"]) for one in planned] == [
        kind for kind in kinds if kind[0] != "service principal at Entra"
    ]


def test_asks_before_it_changes_anything(desk: Desk) -> None:
    before = state(desk.tenant)
    desk.answers = ["n"]
    ran = desk.setup(yes=False)
    assert ran.code == 1
    assert "Nothing was changed." in ran.err
    assert state(desk.tenant) == before
    desk.answers = ["y"]
    assert desk.setup(yes=False).code == 0


def test_asks_for_everything(desk: Desk) -> None:
    """Trust is explained before it is asked for."""
    desk.environment = {"MANAGEMENT_APP_ID": "", "MANAGEMENT_APP_SECRET": ""}
    desk.answers = [
        desk.logto,
        "local-management",
        "local-management-secret",
        "contoso.com",
        "contoso.onmicrosoft.com",
        "y",
        "y",
    ]
    ran = desk.run("setup", "--base-url", BASE_URL, *desk.entra_options())
    assert ran.code == 0, ran.err
    assert ran.err.index("verified") < ran.err.index("Trust the addresses")
    (connector,) = desk.tenant.connectors.values()
    assert connector.trust_unverified_email
    assert connector.issuer.endswith(f"/{CONTOSO.tenant_id}/v2.0")


def test_nobody_there_to_ask(desk: Desk) -> None:
    ran = desk.run("setup", *desk.where())
    assert ran.code == 2
    assert "--domain is needed." in ran.err


def test_without_trust_unless_it_is_said(desk: Desk) -> None:
    options = [*desk.where(), *desk.entra_options(), "--yes", "--domain", "contoso.com"]
    assert desk.run("setup", *options, "--entra-tenant", CONTOSO.tenant_id).code == 0
    (connector,) = desk.tenant.connectors.values()
    assert not connector.trust_unverified_email


def test_keeps_what_others_have_added(desk: Desk) -> None:
    desk.setup()
    (application,) = desk.tenant.applications.values()
    application.redirect_uris = ("https://other.example/callback",)
    application.further_metadata = {"logoUri": "https://other.example/logo.png"}
    application.always_issue_refresh_token = True
    connector = desk.tenant.connectors["contoso00001"]
    config = {**connector.config, "scope": "openid profile email offline_access"}
    desk.tenant.connectors[connector.id] = dataclasses.replace(
        connector, config=config, domains=("contoso.de",), branding={"darkLogo": "https://x/y"}
    )
    (registered,) = desk.entra.registrations.values()
    registered.members["web"]["redirectUris"] = ["https://other.example/cb"]
    registered.members["optionalClaims"] = {"idToken": [{"name": "upn"}], "accessToken": []}
    desk.tenant.sign_in_experience["customCss"] = "p {}"
    desk.tenant.single_sign_on_enabled = False

    assert desk.setup().code == 0
    assert list(application.redirect_uris) == [
        "https://other.example/callback",
        f"{BASE_URL}/callback",
    ]
    assert application.further_metadata == {"logoUri": "https://other.example/logo.png"}
    assert application.always_issue_refresh_token
    connector = desk.tenant.connectors["contoso00001"]
    assert connector.domains == ("contoso.de", "contoso.com")
    assert connector.config["scope"] == "openid profile email offline_access"
    assert connector.branding == {"darkLogo": "https://x/y", "displayName": "Contoso"}
    assert registered.redirect_uris == [
        "https://other.example/cb",
        f"{desk.logto}/callback/{connector.id}",
    ]
    assert [c["name"] for c in registered.members["optionalClaims"]["idToken"]] == ["upn", "email"]
    assert desk.tenant.sign_in_experience == {"customCss": "p {}"}
    assert desk.tenant.single_sign_on_enabled
    assert "Nothing to change." in desk.setup().out


def test_takes_over_an_application(desk: Desk) -> None:
    theirs = Application(
        id="theirs", secret="their-secret", name="Northwind", redirect_uris=("https://a.test/cb",)
    )
    desk.tenant.applications["theirs"] = theirs
    assert desk.setup("--adopt", "theirs").code == 0
    assert theirs.redirect_uris == ("https://a.test/cb", f"{BASE_URL}/callback")
    assert list(desk.tenant.applications) == ["theirs"]
    assert "LOGTO_APP_ID=theirs" in desk.env()
    assert desk.teardown().code == 0
    assert list(theirs.redirect_uris) == ["https://a.test/cb"]
    assert theirs.post_logout_redirect_uris == ()
    assert theirs.backchannel_logout_uri is None


def test_does_not_take_another_products_back_channel(desk: Desk) -> None:
    desk.tenant.applications["theirs"] = Application(
        id="theirs",
        secret="their-secret",
        redirect_uris=(),
        backchannel_logout_uri="https://other.example/logout",
    )
    ran = desk.setup("--adopt", "theirs")
    assert ran.code == 1
    assert "tells https://other.example/logout of sign-outs already" in ran.err


def test_another_application_at_entra_of_the_same_name_is_left_alone(desk: Desk) -> None:
    other = Registration(
        members={"displayName": "Contoso sign-in through Logto", "tags": [], "web": {}}
    )
    desk.entra.registrations[other.id] = other
    assert desk.setup().code == 0
    assert other.members == {"displayName": "Contoso sign-in through Logto", "tags": [], "web": {}}
    assert len(desk.entra.registrations) == 2


def test_group_claims_and_audience(desk: Desk) -> None:
    assert desk.setup("--group-claims", "--entra-audience", "AzureADMultipleOrgs").code == 0
    (registered,) = desk.entra.registrations.values()
    assert registered.members["groupMembershipClaims"] == "SecurityGroup"
    assert registered.members["signInAudience"] == "AzureADMultipleOrgs"


def test_a_secret_that_ends_soon_is_replaced(desk: Desk) -> None:
    desk.setup()
    first = desk.tenant.connectors["contoso00001"].client_secret
    now = desk.clock()
    desk.clock = desk.stand_in.state.clock = lambda: now + 151 * 86_400
    again = desk.setup()
    assert again.code == 0, again.err
    second = desk.tenant.connectors["contoso00001"].client_secret
    (registered,) = desk.entra.registrations.values()
    assert second != first
    assert [p.text for p in registered.passwords] == [second]
    assert "Nothing to change." in desk.setup().out


def test_only_its_own_secrets_are_removed(desk: Desk) -> None:
    desk.setup()
    (registered,) = desk.entra.registrations.values()
    (ours,) = registered.passwords
    registered.passwords = [dataclasses.replace(ours, key_id="k", text="else", display_name="x")]
    assert desk.setup().code == 0
    assert {p.display_name for p in registered.passwords} == {"x", SECRET_NAME}


def test_by_hand_at_entra(desk: Desk) -> None:
    desk.answers = ["client-id-of-theirs", ENTRA_SECRET]
    ran = desk.setup("--manual-entra")
    assert ran.code == 0, ran.err
    assert desk.entra.registrations == {}
    (connector,) = desk.tenant.connectors.values()
    assert (connector.client_id, connector.client_secret) == ("client-id-of-theirs", ENTRA_SECRET)
    assert "App registrations, New registration" in ran.err
    assert f"{desk.logto}/callback/{connector.id}, platform Web" in ran.out
    desk.answers = None
    again = desk.setup("--manual-entra")
    assert again.code == 0
    assert "Nothing to change." in again.out


def again(desk: Desk, *more: str) -> Ran:
    """`setup` with nothing said of what is set up already."""
    who = ("--entra-tenant", CONTOSO.tenant_id, "--domain", "contoso.com", "--name", "Northwind")
    return desk.run("setup", *desk.where(), *desk.entra_options(), *who, *more)


def test_earlier_decisions_stay(desk: Desk) -> None:
    """What is not said again is as it was, and is not asked again."""
    desk.setup(
        *("--display-name", "Contoso Ltd", "--logo-url", "https://contoso.example/logo.png"),
        *("--no-sync-profile", "--entra-audience", "AzureADMultipleOrgs"),
    )
    before = state(desk.tenant)
    assert again(desk, "--yes", "--json").json["changed"] == []
    desk.answers = []
    assert "Nothing to change." in again(desk).out
    assert state(desk.tenant) == before
    desk.answers = None
    ran = again(desk, "--yes", "--json", "--no-trust-unverified-email", "--sync-profile")
    (change,) = ran.json["changed"]
    assert change["detail"] == "entra-contoso: syncProfile, trustUnverifiedEmail off"
    (connector,) = desk.tenant.connectors.values()
    assert not connector.trust_unverified_email
    assert connector.display_name == "Contoso Ltd"
    assert connector.sync_profile


def test_by_hand_with_a_new_secret(desk: Desk, tmp_path: Path) -> None:
    """Of the same application: its client id is known."""
    desk.answers = ["theirs", "first-secret"]
    desk.setup("--manual-entra")
    desk.answers = None
    file = tmp_path / "secret.txt"
    file.write_text(f"{ENTRA_SECRET}\n")
    ran = desk.setup("--manual-entra", "--entra-secret-file", str(file), "--json")
    assert [one["detail"] for one in ran.json["changed"]] == ["entra-contoso: clientSecret"]
    (connector,) = desk.tenant.connectors.values()
    assert (connector.client_id, connector.client_secret) == ("theirs", ENTRA_SECRET)
    file.write_text("\n")
    assert "is empty" in desk.setup("--manual-entra", "--entra-secret-file", str(file)).err


def test_by_hand_the_secret_of_another_application_is_not_kept(desk: Desk) -> None:
    desk.answers = ["theirs", "first-secret"]
    desk.setup("--manual-entra")
    desk.answers = [ENTRA_SECRET]
    assert desk.setup("--manual-entra", "--entra-client-id", "other").code == 0
    (connector,) = desk.tenant.connectors.values()
    assert (connector.client_id, connector.client_secret) == ("other", ENTRA_SECRET)


def test_by_hand_a_secret_that_is_given_is_not_asked_for(desk: Desk) -> None:
    desk.environment = {"ENTRA_CLIENT_SECRET": ENTRA_SECRET}
    desk.answers = ["theirs"]
    ran = desk.setup("--manual-entra")
    assert ran.code == 0, ran.err
    (connector,) = desk.tenant.connectors.values()
    assert (connector.client_id, connector.client_secret) == ("theirs", ENTRA_SECRET)


def test_by_hand_the_instructions_are_of_what_is_wanted(desk: Desk) -> None:
    desk.answers = ["theirs", ENTRA_SECRET]
    more = ("--group-claims", "--entra-audience", "AzureADMultipleOrgs")
    told = desk.setup("--manual-entra", *more).err
    assert "Supported account types: any organizational directory." in told
    assert "Add groups claim, Security groups." in told


def test_by_hand_stays_by_hand(desk: Desk) -> None:
    """Without `--manual-entra`, no application is put in the place of the one made by hand."""
    desk.answers = ["client-id-of-theirs", ENTRA_SECRET]
    desk.setup("--manual-entra")
    desk.answers = None
    before = state(desk.tenant)
    again = desk.setup()
    assert again.code == 1
    assert "did not register: pass --manual-entra to keep it" in again.err
    assert state(desk.tenant) == before
    assert desk.setup("--manual-entra").code == 0


def test_from_graph_to_by_hand(desk: Desk, tmp_path: Path) -> None:
    """The application that `setup` registered before is named, and is not used again."""
    desk.setup()
    (registered,) = desk.entra.registrations.values()
    desk.environment = {"ENTRA_CLIENT_SECRET": ENTRA_SECRET}
    ran = desk.setup("--manual-entra", "--entra-client-id", "theirs")
    assert ran.code == 0, ran.err
    assert f"the application {registered.client_id} is not used" in ran.out
    assert "--manual-entra" in desk.setup().err
    (connector,) = desk.tenant.connectors.values()
    assert connector.client_id == "theirs"


def test_an_application_that_is_gone_is_registered_anew(desk: Desk) -> None:
    desk.setup()
    desk.entra.registrations.clear()
    assert desk.setup().code == 0
    (registered,) = desk.entra.registrations.values()
    (connector,) = desk.tenant.connectors.values()
    assert connector.client_id == registered.client_id
    assert "Nothing to change." in desk.setup().out


def test_by_hand_with_everything_given(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    file.write_text(f"{ENTRA_SECRET}\n")
    options = ("--manual-entra", "--entra-client-id", "theirs", "--entra-secret-file", str(file))
    assert desk.setup(*options).code == 0
    (connector,) = desk.tenant.connectors.values()
    assert connector.client_secret == ENTRA_SECRET


def test_default_connector(desk: Desk) -> None:
    assert desk.setup("--default-connector").code == 0
    assert "LOGTO_DEFAULT_CONNECTOR=contoso00001" in desk.env()


def test_graph_needs_a_moment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new application is not known everywhere at once: the next calls are tried again."""
    unknown = iter([True, True, False])
    real = graph._named

    def named(request: object, directory: object) -> Registration:
        if next(unknown, False):
            raise graph.GraphRefusal(404, "Request_ResourceNotFound", "not yet")
        return real(request, directory)  # type: ignore[arg-type]

    monkeypatch.setattr(graph, "_named", named)
    assert desk.setup().code == 0
    assert len(desk.entra.registrations) == 1
