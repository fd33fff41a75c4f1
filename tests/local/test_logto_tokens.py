"""The stand-in's tokens, compared with those of a real Logto server."""

import time
from typing import Any

import httpx
import jwt
import pytest

from harness.product import Clock
from local.logto.server import StandIn
from tests.local.conftest import CREDENTIALS, RelyingParty, answer_of

ORDERS = "https://api.example.test/orders"
ORGANIZATION = "contosoorg01"
ORGANIZATION_SCOPES = "urn:logto:scope:organizations urn:logto:scope:organization_roles"


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def refused(answer: httpx.Response, status: int, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert set(answer.json()) == {"code", "message", "error", "error_description", "error_uri"}


def test_id_token_of_an_entra_user_has_the_claims_of_a_real_server(party: RelyingParty) -> None:
    token = party.tokens(scope="openid profile email roles")["id_token"]
    claims = claims_of(token)
    keys = {k["kid"]: k for k in party.client.get(f"{party.url}/oidc/jwks").json()["keys"]}
    header = jwt.get_unverified_header(token)
    assert set(header) == {"alg", "kid"}
    assert header["alg"] == "ES384"
    jwt.decode(token, jwt.PyJWK(keys[header["kid"]]), audience="local-app")
    assert set(claims) == {
        *("sub", "name", "picture", "updated_at", "username", "created_at", "email"),
        *("email_verified", "roles", "nonce", "aud", "exp", "iat", "iss"),
    }
    assert claims["username"] is None
    assert claims["nonce"] == "the-nonce"
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["updated_at"] > time.time() * 100  # milliseconds


def test_missing_claims_are_null_and_no_nonce_is_invented(party: RelyingParty) -> None:
    claims = claims_of(party.tokens("nomail000001", nonce=None)["id_token"])
    assert claims["email"] is None
    assert claims["picture"] is None
    assert "nonce" not in claims


def test_auth_time_is_present_only_with_max_age(party: RelyingParty) -> None:
    assert "auth_time" not in claims_of(party.tokens()["id_token"])
    assert "auth_time" in claims_of(party.tokens(max_age="600")["id_token"])


def test_auth_time_is_the_sign_in_at_logto_and_stays_in_refreshed_tokens(
    party: RelyingParty, clock: Clock
) -> None:
    first = claims_of(party.tokens(max_age="600")["id_token"])["auth_time"]
    clock.ahead = 300
    silent = party.redeem(
        answer_of(party.robot.sign_in_silently(party.authorization_url(max_age="600")))["code"]
    ).json()
    assert claims_of(silent["id_token"])["auth_time"] == first
    refreshed = claims_of(party.refresh(silent["refresh_token"]).json()["id_token"])
    assert refreshed["auth_time"] == first
    assert refreshed["iat"] >= first + 300


def test_max_age_asks_again_if_the_session_is_older(party: RelyingParty, clock: Clock) -> None:
    party.tokens()
    clock.ahead = 601
    page = party.robot.open(party.authorization_url(max_age="600"))
    assert page.url.path == "/sign-in"
    silent = party.robot.open(party.authorization_url(max_age="600", prompt="none"))
    assert answer_of(party.robot.left(silent))["error"] == "login_required"
    again = party.robot.sign_in(party.authorization_url(max_age="600"))
    tokens = party.redeem(answer_of(again)["code"]).json()
    claims = claims_of(tokens["id_token"])
    assert abs(claims["auth_time"] - claims["iat"]) <= 1


def test_session_at_logto_lasts_14_days(party: RelyingParty, clock: Clock) -> None:
    party.tokens()
    clock.ahead = 14 * 86_400 + 1
    assert party.robot.open(party.authorization_url()).url.path == "/sign-in"


def test_sid_is_present_only_if_the_application_requires_it(
    party: RelyingParty, stand_in: StandIn
) -> None:
    assert "sid" not in claims_of(party.tokens()["id_token"])
    stand_in.tenant.applications["local-app"].backchannel_logout_session_required = True
    assert claims_of(party.tokens()["id_token"])["sid"]


def test_roles_and_organizations_by_scope(party: RelyingParty) -> None:
    tokens = party.tokens(scope=f"openid roles {ORGANIZATION_SCOPES}")
    claims = claims_of(tokens["id_token"])
    assert claims["roles"] == ["buyer"]
    assert claims["organizations"] == [ORGANIZATION]
    assert claims["organization_roles"] == [f"{ORGANIZATION}:admin"]
    (data,) = party.me(tokens["access_token"]).json()["organization_data"]
    assert set(data) == {"id", "name", "description"}


def test_me_has_entra_claims_only_with_scope_identities(party: RelyingParty) -> None:
    plain = party.me(party.tokens()["access_token"]).json()
    assert "sso_identities" not in plain
    full = party.me(party.tokens(scope="openid identities custom_data")["access_token"]).json()
    assert full["identities"] == {}
    assert full["custom_data"] == {}
    (identity,) = full["sso_identities"]
    assert set(identity) == {"issuer", "identityId", "detail"}
    assert {"oid", "tid", "email", "preferredUsername", "givenName"} <= set(identity["detail"])


def test_grace_is_in_250_groups(party: RelyingParty) -> None:
    tokens = party.tokens("grace0000001", scope="openid identities")
    (identity,) = party.me(tokens["access_token"]).json()["sso_identities"]
    assert len(set(identity["detail"]["groups"])) == 250


def test_access_token_is_opaque_and_resource_tokens_do_not_open_me(party: RelyingParty) -> None:
    scope = "openid offline_access read:orders delete:orders"
    tokens = party.tokens(scope=scope, resource=ORDERS)
    assert len(tokens["access_token"]) == 43
    assert tokens["expires_in"] == 3600
    answer = party.refresh(tokens["refresh_token"], resource=ORDERS).json()
    claims = claims_of(answer["access_token"])
    assert jwt.get_unverified_header(answer["access_token"])["typ"] == "at+jwt"
    assert claims["aud"] == ORDERS
    assert claims["scope"] == "read:orders"
    assert {"client_id", "sub", "jti", "exp"} <= set(claims)
    refused(party.me(answer["access_token"]), 401, "invalid_token")


def test_organization_token_has_the_members_scopes(party: RelyingParty) -> None:
    scope = f"openid offline_access read:orders {ORGANIZATION_SCOPES}"
    refresh = party.tokens(scope=scope, resource=ORDERS)["refresh_token"]
    alone = party.refresh(refresh, organization_id=ORGANIZATION).json()
    assert claims_of(alone["access_token"])["aud"] == f"urn:logto:organization:{ORGANIZATION}"
    both = party.refresh(refresh, organization_id=ORGANIZATION, resource=ORDERS).json()
    assert claims_of(both["access_token"])["aud"] == ORDERS
    assert claims_of(both["access_token"])["organization_id"] == ORGANIZATION


def test_code_grant_issues_no_organization_token(party: RelyingParty) -> None:
    code = party.code(scope=f"openid offline_access {ORGANIZATION_SCOPES}")
    answer = party.redeem(code, organization_id=ORGANIZATION).json()
    assert len(answer["access_token"]) == 43


def test_unknown_resource_or_organization_is_refused(party: RelyingParty) -> None:
    scope = f"openid offline_access {ORGANIZATION_SCOPES}"
    refresh = party.tokens("bob000000001", scope=scope)["refresh_token"]
    refused(party.refresh(refresh, organization_id=ORGANIZATION), 403, "access_denied")
    refused(party.refresh(refresh, resource="https://unknown.test/"), 400, "invalid_target")


@pytest.mark.parametrize(
    ("changes", "issued"),
    [
        ({"prompt": "consent"}, True),
        ({"prompt": "login consent"}, True),
        ({"prompt": "login"}, False),
        ({"prompt": None}, False),
        ({"scope": "openid"}, False),
    ],
)
def test_refresh_token_needs_offline_access_and_consent(
    party: RelyingParty, changes: dict[str, Any], issued: bool
) -> None:
    assert ("refresh_token" in party.tokens(**changes)) is issued


def test_always_issue_refresh_token_needs_no_consent(
    party: RelyingParty, stand_in: StandIn
) -> None:
    stand_in.tenant.applications["local-app"].always_issue_refresh_token = True
    assert "refresh_token" in party.tokens(prompt="login")
    assert "refresh_token" in party.tokens(scope="openid")
    assert "offline_access" not in party.tokens(scope="openid")["scope"]


def test_refresh_token_stays_the_same_until_70_percent_of_its_life(
    party: RelyingParty, clock: Clock
) -> None:
    first = party.tokens()["refresh_token"]
    clock.ahead = 0.69 * 14 * 86_400
    assert party.refresh(first).json()["refresh_token"] == first
    clock.ahead = 0.71 * 14 * 86_400
    assert party.refresh(first).json()["refresh_token"] != first


def test_rotated_refresh_token_works_for_3_seconds_and_then_revokes_the_grant(
    party: RelyingParty, clock: Clock, stand_in: StandIn
) -> None:
    stand_in.tenant.applications["local-app"].rotate_refresh_token_always = True
    first = party.tokens()["refresh_token"]
    second = party.refresh(first).json()["refresh_token"]
    clock.ahead = 2
    assert party.refresh(first).status_code == 200
    clock.ahead = 4
    refused(party.refresh(first), 400, "invalid_grant")
    refused(party.refresh(second), 400, "invalid_grant")


def test_refreshed_id_token_echoes_the_nonce(party: RelyingParty) -> None:
    answer = party.refresh(party.tokens()["refresh_token"]).json()
    assert claims_of(answer["id_token"])["nonce"] == "the-nonce"


def test_reused_code_revokes_what_it_had_issued(party: RelyingParty) -> None:
    code = party.code()
    tokens = party.redeem(code).json()
    refused(party.redeem(code), 400, "invalid_grant")
    refused(party.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    refused(party.me(tokens["access_token"]), 401, "invalid_token")


def test_wrong_verifier_does_not_consume_the_code(party: RelyingParty) -> None:
    code = party.code()
    refused(party.redeem(code, code_verifier="x" * 43), 400, "invalid_grant")
    assert party.redeem(code).status_code == 200


def test_code_lives_60_seconds(party: RelyingParty, clock: Clock) -> None:
    code = party.code()
    clock.ahead = 61
    refused(party.redeem(code), 400, "invalid_grant")


@pytest.mark.parametrize("changes", [{"redirect_uri": "http://localhost:3000/"}, {"code": "no"}])
def test_wrong_redirect_uri_or_code_is_invalid_grant(
    party: RelyingParty, changes: dict[str, str]
) -> None:
    refused(party.redeem(party.code(), **changes), 400, "invalid_grant")


@pytest.mark.parametrize(
    ("auth", "extra", "status", "error"),
    [
        (("local-app", "wrong"), {}, 401, "invalid_client"),
        (None, {"client_id": "local-app"}, 401, "invalid_client"),
        (("nobody", "secret"), {}, 400, "invalid_client"),
        (None, {}, 401, "invalid_client"),
        (CREDENTIALS, {"client_secret": "local-app-secret"}, 400, "invalid_request"),
    ],
)
def test_wrong_client_authentication_is_refused(
    party: RelyingParty, auth: Any, extra: dict[str, str], status: int, error: str
) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x", **extra}
    refused(party.token(form, auth), status, error)


def test_client_can_authenticate_in_the_form(party: RelyingParty) -> None:
    form = {"client_id": CREDENTIALS[0], "client_secret": CREDENTIALS[1]}
    answer = party.token({"grant_type": "refresh_token", "refresh_token": "x", **form}, None)
    refused(answer, 400, "invalid_grant")


@pytest.mark.parametrize("form", [{}, {"grant_type": "authorization_code"}])
def test_missing_parameter_is_invalid_request(party: RelyingParty, form: dict[str, str]) -> None:
    refused(party.token(form), 400, "invalid_request")


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_revocation_ends_the_whole_grant(party: RelyingParty, kind: str) -> None:
    tokens = party.tokens()
    answer = party.post("/oidc/token/revocation", {"token": tokens[kind]})
    assert (answer.status_code, answer.content) == (200, b"")
    refused(party.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    refused(party.me(tokens["access_token"]), 401, "invalid_token")


def test_introspection_of_active_and_inactive_tokens(party: RelyingParty) -> None:
    tokens = party.tokens()
    answer = party.post("/oidc/token/introspection", {"token": tokens["access_token"]}).json()
    assert answer["active"] is True
    assert party.post("/oidc/token/introspection", {"token": "x"}).json() == {"active": False}


@pytest.mark.parametrize("deleted", [True, False])
def test_suspended_or_deleted_user_gets_no_tokens(
    party: RelyingParty, stand_in: StandIn, deleted: bool
) -> None:
    tokens = party.tokens()
    if deleted:
        del stand_in.tenant.users["alice0000001"]
    else:
        stand_in.suspend("alice0000001")
    refused(party.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    refused(party.me(tokens["access_token"]), 401, "invalid_token")


def test_keys_rotate_and_can_switch_to_rs256(party: RelyingParty, stand_in: StandIn) -> None:
    stand_in.rotate_keys("RS256")
    token = party.tokens()["id_token"]
    keys = party.client.get(f"{party.url}/oidc/jwks").json()["keys"]
    assert jwt.get_unverified_header(token)["alg"] == "RS256"
    assert [key["kty"] for key in keys] == ["RSA", "EC"]
    assert all("alg" not in key for key in keys)
    url = f"{party.url}/oidc/.well-known/openid-configuration"
    listed = party.client.get(url).json()["id_token_signing_alg_values_supported"]
    assert listed == ["PS256", "RS256", "ES384"]
    stand_in.retire_keys()
    assert len(party.client.get(f"{party.url}/oidc/jwks").json()["keys"]) == 1


def test_only_the_present_and_the_previous_key_are_published(
    party: RelyingParty, stand_in: StandIn
) -> None:
    def published() -> list[str]:
        return [key["kid"] for key in party.client.get(f"{party.url}/oidc/jwks").json()["keys"]]

    (first,) = published()
    stand_in.rotate_keys()
    second, previous = published()
    assert previous == first
    stand_in.rotate_keys()
    third, previous = published()
    assert previous == second
    assert first not in (second, third)
