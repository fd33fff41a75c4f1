"""Objects of others that look like the product's: `setup` takes none of them over by itself."""

import dataclasses

import pytest

from local.logto.contoso import CONTOSO
from local.logto.tenant import Application, Webhook
from tests.provision.operators import BASE_URL, ENTRA_SECRET, Operator, refused, state

CALLBACK = f"{BASE_URL}/callback"
MARK = f"(made by setup for {BASE_URL})"

LOOK_ALIKES = {
    "the redirect URI": Application(
        id="theirs", secret="their-secret", name="Quickstart", redirect_uris=(CALLBACK,)
    ),
    "every URI": Application(
        id="theirs",
        secret="their-secret",
        name="Quickstart",
        redirect_uris=(CALLBACK,),
        post_logout_redirect_uris=(f"{BASE_URL}/", f"{BASE_URL}/signed-out"),
        backchannel_logout_uri=f"{BASE_URL}/backchannel-logout",
    ),
    "a back-channel URI of theirs": Application(
        id="theirs",
        secret="their-secret",
        name="Quickstart",
        redirect_uris=(CALLBACK,),
        backchannel_logout_uri="https://a.test/logout",
    ),
    "the mark of another deployment": Application(
        id="theirs",
        secret="their-secret",
        name="Quickstart",
        description="Hosted sign-in (made by setup for http://localhost:39990)",
        redirect_uris=(CALLBACK,),
    ),
    "the mark in the middle": Application(
        id="theirs",
        secret="their-secret",
        name="Quickstart",
        description=f"Like the one {MARK}, but mine",
        redirect_uris=(CALLBACK,),
    ),
    "the mark in its name": Application(
        id="theirs", secret="their-secret", name=f"Quickstart {MARK}", redirect_uris=(CALLBACK,)
    ),
}


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_setup_leaves_an_application_without_its_mark_alone(operator: Operator, name: str) -> None:
    theirs = dataclasses.replace(LOOK_ALIKES[name])
    operator.tenant.applications["theirs"] = theirs
    result = operator.setup("--json")
    assert result.code == 0, result.err
    assert theirs == LOOK_ALIKES[name]
    assert result.json["application"] != "theirs"
    assert "their-secret" not in operator.env()
    (warning,) = result.json["warnings"]
    assert f"{theirs.name} (theirs)" in warning
    assert "--adopt theirs" in warning
    assert operator.setup("--json").json["changed"] == []
    assert operator.teardown().code == 0
    assert operator.tenant.applications == {"theirs": LOOK_ALIKES[name]}


def test_setup_after_a_lost_record_leaves_an_adopted_application_alone(operator: Operator) -> None:
    """Nothing but the record says that it was adopted: `--adopt` says it again."""
    theirs = Application(id="theirs", secret="their-secret", name="Theirs", redirect_uris=())
    operator.tenant.applications["theirs"] = theirs
    operator.setup("--adopt", "theirs")
    assert operator.setup("--json").json["changed"] == []
    (record,) = operator.root.rglob("*.json")
    record.unlink()
    plan = operator.setup("--dry-run", "--json").json
    assert any("--adopt theirs" in warning for warning in plan["warnings"])
    (settings,) = [one for one in plan["would_change"] if one["what"].endswith(".env")]
    values = {value["name"]: value for value in settings["values"]}
    assert values["LOGTO_APP_ID"]["before"] == "theirs"
    assert operator.setup("--adopt", "theirs", "--json").json["changed"] == []


def test_plan_for_an_adopted_application_names_it_and_its_old_and_new_values(
    operator: Operator,
) -> None:
    operator.tenant.applications["theirs"] = Application(
        id="theirs", secret="their-secret", name="Theirs", redirect_uris=("https://a.test/cb",)
    )
    plan = operator.setup("--adopt", "theirs", "--dry-run")
    assert "- application at Logto: update Theirs (theirs)\n" in plan.err
    assert f"    redirectUris: https://a.test/cb -> https://a.test/cb, {CALLBACK}\n" in plan.err
    assert "    alwaysIssueRefreshToken: false -> true\n" in plan.err
    assert "alwaysIssueRefreshToken is turned on, because" in plan.out


def test_setup_leaves_the_application_at_entra_of_another_machine_alone(
    operator: Operator,
) -> None:
    """Both machines have a Logto at the same loopback address, and one directory."""
    operator.setup()
    (registered,) = operator.entra.registrations.values()
    operator.tenant.connectors.clear()
    operator.tenant.applications.clear()
    (record,) = operator.root.rglob("*.json")
    record.unlink()
    before = state(operator.tenant)
    refused(operator.setup(), f"({registered.client_id})", "maybe of another machine")
    assert state(operator.tenant) == before
    assert operator.setup("--connector-name", "entra-mine").code == 0
    assert registered in operator.entra.registrations.values()


def test_plan_warns_of_a_webhook_that_somebody_else_made(operator: Operator) -> None:
    operator.tenant.webhooks = (
        Webhook(id="theirs", url=f"{BASE_URL}/webhooks/logto", signing_key="k-1", name="By hand"),
    )
    plan = operator.setup("--dry-run")
    assert "The webhook By hand (theirs) was not made by `setup`" in plan.err
    old = "User.SuspensionStatus.Updated, User.Deleted"
    assert f"    events: {old} -> {old}, Grant.LimitExceeded\n" in plan.err


def test_setup_by_hand_leaves_a_connector_of_the_same_name_alone(operator: Operator) -> None:
    """It leads to the same directory, but nobody has said that it is this deployment's."""
    issuer = f"{operator.logto}/entra/{CONTOSO.tenant_id}/v2.0"
    config = {
        "issuer": issuer,
        "clientId": "their-client",
        "clientSecret": ENTRA_SECRET,
        "scope": "openid profile email",
        "trustUnverifiedEmail": True,
    }
    theirs = dataclasses.replace(
        CONTOSO, id="theirs", name="entra-contoso", client_id="their-client", config=config
    )
    operator.tenant.connectors["theirs"] = theirs
    before = state(operator.tenant)
    result = operator.setup("--manual-entra", "--display-name", "Mine")
    refused(result, "a connector named entra-contoso, with the id theirs", "--entra-client-id")
    assert state(operator.tenant) == before
    named = operator.setup("--manual-entra", "--entra-client-id", "their-client")
    assert named.code == 0, named.err
