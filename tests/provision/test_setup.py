"""`setup` at a Logto and an Entra tenant that are empty, or that others use too."""

import dataclasses
from pathlib import Path

import pytest

from local.logto.contoso import CONTOSO
from local.logto.tenant import Application
from local.microsoft import graph
from local.microsoft.entra_tenants import Registration
from provision.steps.registration import SECRET_NAME
from tests.provision.operators import BASE_URL, ENTRA_SECRET, CommandResult, Operator, state


def test_setup_from_nothing_makes_everything(operator: Operator) -> None:
    result = operator.setup()
    assert result.code == 0, result.err
    (application,) = operator.tenant.applications.values()
    assert application.name == "Northwind"
    assert application.redirect_uris == (f"{BASE_URL}/callback",)
    assert application.post_logout_redirect_uris == (f"{BASE_URL}/", f"{BASE_URL}/signed-out")
    assert application.backchannel_logout_uri == f"{BASE_URL}/backchannel-logout"
    assert application.backchannel_logout_session_required is True
    (hook,) = operator.tenant.webhooks
    assert hook.url == f"{BASE_URL}/webhooks/logto"
    assert set(hook.events) == {
        "User.SuspensionStatus.Updated",
        "User.Deleted",
        "Grant.LimitExceeded",
    }
    (connector,) = operator.tenant.connectors.values()
    assert (connector.name, connector.display_name) == ("entra-contoso", "Contoso")
    assert connector.issuer == f"{operator.logto}/entra/{CONTOSO.tenant_id}/v2.0"
    assert connector.domains == ("contoso.com",)
    assert connector.trust_unverified_email
    assert connector.sync_profile
    (registered,) = operator.entra.registrations.values()
    assert registered.client_id == connector.client_id
    assert registered.redirect_uris == [
        f"{operator.logto}/callback/{connector.id}",
        f"{BASE_URL}/signed-out",
    ]
    assert registered.members["signInAudience"] == "AzureADMyOrg"
    assert [c["name"] for c in registered.members["optionalClaims"]["idToken"]] == ["email"]
    assert [p.text for p in registered.passwords] == [connector.client_secret]
    assert list(operator.entra.service_principals.values()) == [registered.client_id]
    assert operator.tenant.single_sign_on_enabled
    assert f"{BASE_URL}/sign-in?connector={connector.id}" in result.out
    assert f"/{CONTOSO.tenant_id}/adminconsent?client_id={connector.client_id}" in result.out


def test_setup_twice_changes_nothing(operator: Operator) -> None:
    operator.setup()
    before = state(operator.tenant)
    operator.stand_in.requests.clear()
    again = operator.setup()
    assert again.code == 0
    assert "Nothing to change." in again.out
    assert state(operator.tenant) == before
    writes = [
        r for r in operator.stand_in.requests if r[0] != "GET" and not r[1].endswith("/token")
    ]
    assert writes == []


def test_setup_without_its_record_recognises_what_it_made(operator: Operator) -> None:
    operator.setup()
    before = state(operator.tenant)
    (record,) = (operator.root / ".local").rglob("*.json")
    was = record.read_text()
    record.unlink()
    again = operator.setup("--json")
    assert again.json["changed"] == []
    assert state(operator.tenant) == before
    assert '"made": true' in record.read_text()
    assert record.read_text().count("made") == was.count("made")


def test_dry_run_changes_nothing(operator: Operator) -> None:
    before = state(operator.tenant)
    result = operator.setup("--dry-run", "--json")
    assert result.code == 0
    assert {one["what"] for one in result.json["would_change"]} >= {
        "application at Logto",
        "webhook at Logto",
        "application at Entra",
        "client secret at Entra",
        "connector at Logto",
        "redirect URI at Entra",
        "enterprise SSO at Logto",
    }
    assert result.json["changed"] == []
    assert state(operator.tenant) == before
    assert list(operator.root.iterdir()) == []


def test_setup_asks_before_it_changes_anything(operator: Operator) -> None:
    before = state(operator.tenant)
    operator.answers = ["n"]
    result = operator.setup(yes=False)
    assert result.code == 1
    assert "Nothing was changed." in result.err
    assert state(operator.tenant) == before
    operator.answers = ["y"]
    assert operator.setup(yes=False).code == 0


def test_setup_asks_for_everything_that_is_missing(operator: Operator) -> None:
    """It explains trust before it asks for it."""
    operator.environment = {"MANAGEMENT_APP_ID": "", "MANAGEMENT_APP_SECRET": ""}
    operator.answers = [
        operator.logto,
        "local-management",
        "local-management-secret",
        "contoso.com",
        "contoso.onmicrosoft.com",
        "y",
        "y",
    ]
    result = operator.run("setup", "--base-url", BASE_URL, *operator.entra_options())
    assert result.code == 0, result.err
    assert result.err.index("verified") < result.err.index("Trust the addresses")
    (connector,) = operator.tenant.connectors.values()
    assert connector.trust_unverified_email
    assert connector.issuer.endswith(f"/{CONTOSO.tenant_id}/v2.0")


def test_setup_with_nobody_to_ask_names_the_missing_option(operator: Operator) -> None:
    result = operator.run("setup", *operator.where())
    assert result.code == 2
    assert "--domain is required when nobody can be asked." in result.err


def test_setup_does_not_trust_addresses_by_default(operator: Operator) -> None:
    options = [*operator.where(), *operator.entra_options(), "--yes", "--domain", "contoso.com"]
    assert operator.run("setup", *options, "--entra-tenant", CONTOSO.tenant_id).code == 0
    (connector,) = operator.tenant.connectors.values()
    assert not connector.trust_unverified_email


def test_setup_keeps_what_others_have_added(operator: Operator) -> None:
    operator.setup()
    (application,) = operator.tenant.applications.values()
    application.redirect_uris = ("https://other.example/callback",)
    application.further_metadata = {"logoUri": "https://other.example/logo.png"}
    application.always_issue_refresh_token = True
    connector = operator.tenant.connectors["contoso00001"]
    config = {**connector.config, "scope": "openid profile email offline_access"}
    operator.tenant.connectors[connector.id] = dataclasses.replace(
        connector, config=config, domains=("contoso.de",), branding={"darkLogo": "https://x/y"}
    )
    (registered,) = operator.entra.registrations.values()
    registered.members["web"]["redirectUris"] = ["https://other.example/cb"]
    registered.members["optionalClaims"] = {"idToken": [{"name": "upn"}], "accessToken": []}
    operator.tenant.sign_in_experience["customCss"] = "p {}"
    operator.tenant.single_sign_on_enabled = False

    assert operator.setup().code == 0
    assert list(application.redirect_uris) == [
        "https://other.example/callback",
        f"{BASE_URL}/callback",
    ]
    assert application.further_metadata == {"logoUri": "https://other.example/logo.png"}
    assert application.always_issue_refresh_token
    connector = operator.tenant.connectors["contoso00001"]
    assert connector.domains == ("contoso.de", "contoso.com")
    assert connector.config["scope"] == "openid profile email offline_access"
    assert connector.branding == {"darkLogo": "https://x/y", "displayName": "Contoso"}
    assert registered.redirect_uris == [
        "https://other.example/cb",
        f"{operator.logto}/callback/{connector.id}",
        f"{BASE_URL}/signed-out",
    ]
    assert [c["name"] for c in registered.members["optionalClaims"]["idToken"]] == ["upn", "email"]
    assert operator.tenant.sign_in_experience == {"customCss": "p {}"}
    assert operator.tenant.single_sign_on_enabled
    assert "Nothing to change." in operator.setup().out


def test_setup_adopts_an_application_and_teardown_restores_it(operator: Operator) -> None:
    theirs = Application(
        id="theirs", secret="their-secret", name="Northwind", redirect_uris=("https://a.test/cb",)
    )
    operator.tenant.applications["theirs"] = theirs
    assert operator.setup("--adopt", "theirs").code == 0
    assert theirs.redirect_uris == ("https://a.test/cb", f"{BASE_URL}/callback")
    assert list(operator.tenant.applications) == ["theirs"]
    assert "LOGTO_APP_ID=theirs" in operator.env()
    assert operator.teardown().code == 0
    assert list(theirs.redirect_uris) == ["https://a.test/cb"]
    assert theirs.post_logout_redirect_uris == ()
    assert theirs.backchannel_logout_uri is None


def test_setup_refuses_to_replace_another_products_back_channel_logout_uri(
    operator: Operator,
) -> None:
    operator.tenant.applications["theirs"] = Application(
        id="theirs",
        secret="their-secret",
        redirect_uris=(),
        backchannel_logout_uri="https://other.example/logout",
    )
    result = operator.setup("--adopt", "theirs")
    assert result.code == 1
    assert "already sends its logout tokens to https://other.example/logout" in result.err


def test_setup_leaves_an_application_of_the_same_name_at_entra_alone(operator: Operator) -> None:
    other = Registration(
        members={"displayName": "Contoso sign-in through Logto", "tags": [], "web": {}}
    )
    operator.entra.registrations[other.id] = other
    assert operator.setup().code == 0
    assert other.members == {"displayName": "Contoso sign-in through Logto", "tags": [], "web": {}}
    assert len(operator.entra.registrations) == 2


def test_setup_registers_group_claims_and_audience(operator: Operator) -> None:
    assert operator.setup("--group-claims", "--entra-audience", "AzureADMultipleOrgs").code == 0
    (registered,) = operator.entra.registrations.values()
    assert registered.members["groupMembershipClaims"] == "SecurityGroup"
    assert registered.members["signInAudience"] == "AzureADMultipleOrgs"


def test_setup_replaces_a_client_secret_that_ends_soon(operator: Operator) -> None:
    operator.setup()
    first = operator.tenant.connectors["contoso00001"].client_secret
    now = operator.clock()
    operator.clock = operator.stand_in.state.clock = lambda: now + 151 * 86_400
    again = operator.setup()
    assert again.code == 0, again.err
    second = operator.tenant.connectors["contoso00001"].client_secret
    (registered,) = operator.entra.registrations.values()
    assert second != first
    assert [p.text for p in registered.passwords] == [second]
    assert "Nothing to change." in operator.setup().out


def test_setup_removes_only_client_secrets_of_its_own(operator: Operator) -> None:
    operator.setup()
    (registered,) = operator.entra.registrations.values()
    (ours,) = registered.passwords
    registered.passwords = [dataclasses.replace(ours, key_id="k", text="else", display_name="x")]
    assert operator.setup().code == 0
    assert {p.display_name for p in registered.passwords} == {"x", SECRET_NAME}


def test_setup_by_hand_prints_instructions_and_asks_for_the_result(operator: Operator) -> None:
    operator.answers = ["client-id-of-theirs", ENTRA_SECRET]
    result = operator.setup("--manual-entra")
    assert result.code == 0, result.err
    assert operator.entra.registrations == {}
    (connector,) = operator.tenant.connectors.values()
    assert (connector.client_id, connector.client_secret) == ("client-id-of-theirs", ENTRA_SECRET)
    assert "App registrations, New registration" in result.err
    assert f"{operator.logto}/callback/<connector id>\n{BASE_URL}/signed-out\n" in result.err
    uris = f"{operator.logto}/callback/{connector.id}, {BASE_URL}/signed-out"
    assert f"must have these redirect URIs, platform Web: {uris}\n" in result.out
    operator.answers = None
    again = operator.setup("--manual-entra")
    assert again.code == 0
    assert "Nothing to change." in again.out


def again(operator: Operator, *more: str) -> CommandResult:
    """Run `setup` without options for what is set up already."""
    customer = (
        "--entra-tenant",
        CONTOSO.tenant_id,
        "--domain",
        "contoso.com",
        "--name",
        "Northwind",
    )
    return operator.run("setup", *operator.where(), *operator.entra_options(), *customer, *more)


def test_options_that_are_omitted_keep_their_values(operator: Operator) -> None:
    """And they are not asked for again."""
    operator.setup(
        *("--display-name", "Contoso Ltd", "--logo-url", "https://contoso.example/logo.png"),
        *("--no-sync-profile", "--entra-audience", "AzureADMultipleOrgs"),
    )
    before = state(operator.tenant)
    assert again(operator, "--yes", "--json").json["changed"] == []
    operator.answers = []
    assert "Nothing to change." in again(operator).out
    assert state(operator.tenant) == before
    operator.answers = None
    result = again(operator, "--yes", "--json", "--no-trust-unverified-email", "--sync-profile")
    (change,) = result.json["changed"]
    assert change["detail"] == "entra-contoso: syncProfile, trustUnverifiedEmail off"
    (connector,) = operator.tenant.connectors.values()
    assert not connector.trust_unverified_email
    assert connector.display_name == "Contoso Ltd"
    assert connector.sync_profile


def test_setup_by_hand_with_a_new_secret_keeps_the_client_id(
    operator: Operator, tmp_path: Path
) -> None:
    operator.answers = ["theirs", "first-secret"]
    operator.setup("--manual-entra")
    operator.answers = None
    file = tmp_path / "secret.txt"
    file.write_text(f"{ENTRA_SECRET}\n")
    result = operator.setup("--manual-entra", "--entra-secret-file", str(file), "--json")
    assert [one["detail"] for one in result.json["changed"]] == ["entra-contoso: clientSecret"]
    (connector,) = operator.tenant.connectors.values()
    assert (connector.client_id, connector.client_secret) == ("theirs", ENTRA_SECRET)
    file.write_text("\n")
    assert "is empty" in operator.setup("--manual-entra", "--entra-secret-file", str(file)).err


def test_setup_by_hand_with_another_application_asks_for_its_secret(operator: Operator) -> None:
    operator.answers = ["theirs", "first-secret"]
    operator.setup("--manual-entra")
    operator.answers = [ENTRA_SECRET]
    assert operator.setup("--manual-entra", "--entra-client-id", "other").code == 0
    (connector,) = operator.tenant.connectors.values()
    assert (connector.client_id, connector.client_secret) == ("other", ENTRA_SECRET)


def test_setup_by_hand_does_not_ask_for_a_secret_that_is_given(operator: Operator) -> None:
    operator.environment = {"ENTRA_CLIENT_SECRET": ENTRA_SECRET}
    operator.answers = ["theirs"]
    result = operator.setup("--manual-entra")
    assert result.code == 0, result.err
    (connector,) = operator.tenant.connectors.values()
    assert (connector.client_id, connector.client_secret) == ("theirs", ENTRA_SECRET)


def test_instructions_by_hand_follow_the_options(operator: Operator) -> None:
    operator.answers = ["theirs", ENTRA_SECRET]
    more = ("--group-claims", "--entra-audience", "AzureADMultipleOrgs")
    printed = operator.setup("--manual-entra", *more).err
    assert "Supported account types: any organizational directory." in printed
    assert "Add groups claim, Security groups." in printed


def test_setup_by_graph_refuses_a_connector_set_up_by_hand(operator: Operator) -> None:
    """Otherwise it would replace the application that somebody registered."""
    operator.answers = ["client-id-of-theirs", ENTRA_SECRET]
    operator.setup("--manual-entra")
    operator.answers = None
    before = state(operator.tenant)
    again = operator.setup()
    assert again.code == 1
    assert "did not register. Pass --manual-entra to keep it" in again.err
    assert state(operator.tenant) == before
    assert operator.setup("--manual-entra").code == 0


def test_setup_by_hand_after_graph_names_the_application_to_remove(
    operator: Operator, tmp_path: Path
) -> None:
    """The application that `setup` registered is not used again either."""
    operator.setup()
    (registered,) = operator.entra.registrations.values()
    operator.environment = {"ENTRA_CLIENT_SECRET": ENTRA_SECRET}
    result = operator.setup("--manual-entra", "--entra-client-id", "theirs")
    assert result.code == 0, result.err
    assert f"the application {registered.client_id} is not used" in result.out
    assert "--manual-entra" in operator.setup().err
    (connector,) = operator.tenant.connectors.values()
    assert connector.client_id == "theirs"


def test_setup_registers_an_application_again_that_is_gone(operator: Operator) -> None:
    operator.setup()
    operator.entra.registrations.clear()
    assert operator.setup().code == 0
    (registered,) = operator.entra.registrations.values()
    (connector,) = operator.tenant.connectors.values()
    assert connector.client_id == registered.client_id
    assert "Nothing to change." in operator.setup().out


def test_setup_by_hand_with_all_options_asks_nothing(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    file.write_text(f"{ENTRA_SECRET}\n")
    options = ("--manual-entra", "--entra-client-id", "theirs", "--entra-secret-file", str(file))
    assert operator.setup(*options).code == 0
    (connector,) = operator.tenant.connectors.values()
    assert connector.client_secret == ENTRA_SECRET


def test_setup_stores_the_default_connector(operator: Operator) -> None:
    assert operator.setup("--default-connector").code == 0
    assert "LOGTO_DEFAULT_CONNECTOR=contoso00001" in operator.env()


def test_setup_repeats_calls_while_graph_does_not_know_a_new_application(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = iter([True, True, False])
    real = graph._named

    def named(request: object, directory: object) -> Registration:
        if next(unknown, False):
            raise graph.GraphRefusal(404, "Request_ResourceNotFound", "not yet")
        return real(request, directory)  # type: ignore[arg-type]

    monkeypatch.setattr(graph, "_named", named)
    assert operator.setup().code == 0
    assert len(operator.entra.registrations) == 1
