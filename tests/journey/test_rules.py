"""Rules at sign-in: a user who does not meet them gets a page, and no session or grant is left."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.browser import FETCH, Browser, Reply
from harness.product import Product, started_product
from harness.tables import dump
from local.logto import claims, token_endpoints
from local.logto.contoso import CONTOSO
from local.logto.server import StandIn
from local.logto.tenant import User

ALICE, BOB, GRACE = "alice0000001", "bob000000001", "grace0000001"
IDENTITIES = (
    "email roles identities urn:logto:scope:organizations urn:logto:scope:organization_roles"
)


@pytest.fixture(autouse=True)
def table_endpoint(dynamodb_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)


def me(browser: Browser) -> dict[str, Any]:
    reply = browser.get("/me", FETCH)
    assert reply.status == 200, reply.body
    identity: dict[str, Any] = json.loads(reply.body)
    return identity


def sessions(product: Product) -> list[dict[str, Any]]:
    return [row for row in dump(product.client, product.table_name) if "seen_at" in row]


def kept_out(product: Product, browser: Browser, reply: Reply) -> None:
    """Check for a refusal: a page that says so, no session, and no grant that is left."""
    assert reply.status == 403
    assert "location" not in reply.headers
    assert reply.headers["content-type"].startswith("text/html")
    assert "You do not have access" in reply.body
    assert "Sign in with another account" in reply.body
    assert not [line for line in reply.set_cookies if line.startswith("__Host-session=")]
    assert "__Host-session" not in browser.jar
    assert browser.get("/me", FETCH).status == 401
    assert sessions(product) == []
    tokens = product.stand_in.state.refresh_tokens.values()
    assert tokens
    assert all(token.grant.revoked for token in tokens)
    assert ("POST", "/oidc/token/revocation") in product.stand_in.requests


RULES: dict[str, tuple[dict[str, str], str, str]] = {
    "tenant": (
        {"ALLOWED_TENANTS": CONTOSO.tenant_id, "LOGTO_SCOPES": IDENTITIES},
        ALICE,
        "rita00000001",
    ),
    "organization": ({"ALLOWED_ORGANIZATIONS": "another contosoorg01"}, ALICE, BOB),
    "role": ({"ALLOWED_ROLES": "approver buyer"}, ALICE, BOB),
    "e-mail domain": ({"ALLOWED_EMAIL_DOMAINS": "example.com contoso.com"}, ALICE, "rita00000001"),
    "e-mail domain, no address": ({"ALLOWED_EMAIL_DOMAINS": "contoso.com"}, BOB, "nomail000001"),
    "all together": (
        {
            "ALLOWED_TENANTS": CONTOSO.tenant_id,
            "ALLOWED_ORGANIZATIONS": "contosoorg01",
            "ALLOWED_ROLES": "buyer",
            "ALLOWED_EMAIL_DOMAINS": "contoso.com",
            "LOGTO_SCOPES": IDENTITIES,
        },
        ALICE,
        GRACE,
    ),
}


@pytest.fixture
def fabrikam(stand_in: StandIn) -> StandIn:
    """Add another directory beside Contoso's, with a user."""
    tenant = stand_in.tenant
    tenant.connectors["fabrikam0001"] = replace(
        CONTOSO,
        id="fabrikam0001",
        display_name="Fabrikam",
        domains=("fabrikam.com",),
        tenant_id="11111111-52a1-4d7e-9a40-0d5c64d7c0de",
    )
    tenant.users["rita00000001"] = User(
        id="rita00000001", name="Rita", email="rita@fabrikam.com", connector="fabrikam0001"
    )
    return stand_in


def connector_of(product: Product, account: str) -> str:
    return f"connector={product.stand_in.tenant.users[account].connector}"


@pytest.mark.parametrize("name", RULES)
def test_a_rule_admits_who_meets_it_and_nobody_else(fabrikam: StandIn, name: str) -> None:
    settings, allowed, other = RULES[name]
    with started_product(fabrikam, **settings) as product:
        outside = product.browser()
        reply = product.sign_in(outside, other, connector_of(product, other))
        kept_out(product, outside, reply)
        inside = product.browser()
        assert product.sign_in(inside, allowed, connector_of(product, allowed)).status == 302
        assert me(inside)["sub"] == allowed


@pytest.mark.parametrize(
    "email",
    [
        "alice@contoso.com.evil.test",
        "alice@evil.test",
        "alice@sub.contoso.com",
        "alice@evilcontoso.com",
        '"a@evil.test"@contoso.com',
        "alice@evil.test@contoso.com",
        "@contoso.com",
        "contoso.com",
        "alice@contoso.com ",
        "",
        None,
    ],
)
def test_address_that_may_only_look_like_the_domain_is_refused(
    stand_in: StandIn, email: str | None
) -> None:
    stand_in.tenant.users[ALICE].email = email
    with started_product(stand_in, ALLOWED_EMAIL_DOMAINS="contoso.com") as product:
        browser = product.browser()
        kept_out(product, browser, product.sign_in(browser))


def test_address_in_capitals_meets_the_domain_rule(stand_in: StandIn) -> None:
    stand_in.tenant.users[ALICE].email = "Alice@Contoso.COM"
    with started_product(stand_in, ALLOWED_EMAIL_DOMAINS="contoso.com") as product:
        assert product.sign_in(product.browser()).status == 302


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_address_that_is_not_verified_is_refused(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, verified: object
) -> None:
    real = claims.user_claims
    monkeypatch.setattr(
        claims, "user_claims", lambda *given: {**real(*given), "email_verified": verified}
    )
    with started_product(stand_in, ALLOWED_EMAIL_DOMAINS="contoso.com") as product:
        browser = product.browser()
        kept_out(product, browser, product.sign_in(browser))


def test_program_that_is_not_allowed_gets_a_problem(stand_in: StandIn) -> None:
    with started_product(stand_in, ALLOWED_ROLES="buyer") as product:
        browser = product.browser()
        url = product.at_logto(browser.get("/sign-in").location, BOB)
        reply = browser.get(url, FETCH)
        assert reply.status == 403
        assert reply.headers["content-type"] == "application/problem+json"
        assert json.loads(reply.body)["error"] == "not_allowed"


def test_refused_sign_in_leaves_the_previous_session(stand_in: StandIn) -> None:
    with started_product(stand_in, ALLOWED_ROLES="buyer") as product:
        browser = product.browser()
        product.sign_in(browser)
        assert product.sign_in(browser, BOB).status == 403
        assert me(browser)["sub"] == ALICE


def test_refused_user_can_sign_in_with_another_account(stand_in: StandIn) -> None:
    """Logto has a session of the refused user; `prompt=login` asks again, so there is no loop."""
    with started_product(stand_in, ALLOWED_ROLES="buyer") as product:
        browser = product.browser()
        product.sign_in(browser, BOB)
        assert product.sign_in(browser, ALICE, query="prompt=login").status == 302
        assert me(browser)["sub"] == ALICE


def groups_of(stand_in: StandIn, user: str) -> tuple[str, ...]:
    return stand_in.tenant.users[user].groups


def test_mapped_entra_groups_appear_under_their_short_names(stand_in: StandIn) -> None:
    first, second, _ = groups_of(stand_in, ALICE)
    settings = {
        "ENTRA_GROUPS": f"{first}=staff {second}=finance {groups_of(stand_in, BOB)[0]}=guests",
        "ALLOWED_TENANTS": CONTOSO.tenant_id,
        "ALLOWED_ROLES": "staff",
        "LOGTO_SCOPES": IDENTITIES,
    }
    with started_product(stand_in, **settings) as product:
        browser = product.browser()
        assert product.sign_in(browser).status == 302
        assert me(browser)["groups"] == ["finance", "staff"]
        assert me(browser)["tenant_id"] == CONTOSO.tenant_id
        other = product.browser()
        assert product.sign_in(other, BOB).status == 403


def size(row: dict[str, Any]) -> int:
    """Return the bytes of an item's names and values."""
    return sum(
        len(name) + len(value if isinstance(value, bytes) else str(value))
        for name, typed in row.items()
        for value in typed.values()
    )


def test_user_of_250_groups_has_no_larger_item(stand_in: StandIn) -> None:
    """Each user is in one mapped group: their items differ only by their other values."""
    alice, grace = groups_of(stand_in, ALICE)[0], groups_of(stand_in, GRACE)[137]
    assert len(groups_of(stand_in, GRACE)) == 250
    settings = {
        "ENTRA_GROUPS": f"{alice}=staff {grace}=guest",
        "ALLOWED_TENANTS": CONTOSO.tenant_id,
        "LOGTO_SCOPES": "identities",
    }
    for user in (ALICE, GRACE):
        person = stand_in.tenant.users[user]
        person.name, person.picture = "Same Name", None
    with started_product(stand_in, **settings) as product:
        sizes, cookies = [], []
        for user, name in ((ALICE, "staff"), (GRACE, "guest")):
            browser = product.browser()
            product.sign_in(browser, user)
            assert me(browser)["groups"] == [name]
            (row,) = sessions(product)
            sizes.append(size(row))
            cookies.append(len(str(browser.jar)))
            browser.post("/sign-out", FETCH)
        assert abs(sizes[0] - sizes[1]) <= 8
        assert cookies[0] == cookies[1]


OVERAGES: dict[str, dict[str, Any]] = {
    "as Entra says it": {"_claim_names": {"groups": "src1"}},
    "as Logto may spell it": {"_claimNames": {"groups": "src1"}},
    "hasgroups": {"hasgroups": True},
    "hasgroups as text": {"hasgroups": "true"},
}


@pytest.mark.parametrize("name", OVERAGES)
def test_overage_of_groups_is_counted_and_logged(
    stand_in: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    name: str,
) -> None:
    change_detail(monkeypatch, lambda detail: {**without(detail, "groups"), **OVERAGES[name]})
    group = groups_of(stand_in, ALICE)[0]
    settings = {
        "ENTRA_GROUPS": f"{CONTOSO.tenant_id}/{group}=staff",
        "LOGTO_SCOPES": IDENTITIES,
    }
    with started_product(stand_in, **settings) as product:
        browser = product.browser()
        assert product.sign_in(browser).status == 302
        assert me(browser)["groups"] == []
    written = capfd.readouterr().out
    assert '"GroupsOverage":[1' in written
    assert "groups_overage" in written


def test_overage_of_groups_meets_no_role_rule(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_detail(
        monkeypatch,
        lambda detail: {**without(detail, "groups"), "_claim_names": {"groups": "src1"}},
    )
    group = groups_of(stand_in, ALICE)[0]
    settings = {
        "ENTRA_GROUPS": f"{CONTOSO.tenant_id}/{group}=staff",
        "ALLOWED_ROLES": "staff",
        "LOGTO_SCOPES": IDENTITIES,
    }
    with started_product(stand_in, **settings) as product:
        browser = product.browser()
        kept_out(product, browser, product.sign_in(browser))


def without(detail: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in detail.items() if key != name}


def change_detail(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Change what the stand-in's userinfo reports of Entra's claims."""
    change_userinfo(
        monkeypatch,
        lambda told: {
            **told,
            "sso_identities": [
                {**entry, "detail": change(entry["detail"])} for entry in told["sso_identities"]
            ],
        },
    )


def change_userinfo(monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], Any]) -> None:
    real = claims.userinfo
    monkeypatch.setattr(token_endpoints, "userinfo", lambda *given: change(real(*given)))


TENANT = {"ALLOWED_TENANTS": CONTOSO.tenant_id, "LOGTO_SCOPES": IDENTITIES}
ANOTHER = "11111111-52a1-4d7e-9a40-0d5c64d7c0de"
UNCERTAIN: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "of another tenant": lambda detail: {**detail, "tid": ANOTHER},
    "no tenant": lambda detail: without(detail, "tid"),
    "a list": lambda detail: {**detail, "tid": [CONTOSO.tenant_id]},
    "with more": lambda detail: {**detail, "tid": CONTOSO.tenant_id + "0"},
    "with a line break": lambda detail: {**detail, "tid": CONTOSO.tenant_id + "\n"},
}


@pytest.mark.invariant(15)
@pytest.mark.parametrize("name", UNCERTAIN)
def test_tenant_that_is_not_certain_is_refused(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    change_detail(monkeypatch, UNCERTAIN[name])
    with started_product(stand_in, **TENANT) as product:
        browser = product.browser()
        kept_out(product, browser, product.sign_in(browser))


@pytest.mark.invariant(15)
def test_identities_of_two_tenants_from_one_sign_in_are_refused(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing shows which of them this sign-in came through."""

    def twice(told: dict[str, Any]) -> dict[str, Any]:
        (entry,) = told["sso_identities"]
        other = json.loads(json.dumps(entry).replace(CONTOSO.tenant_id, ANOTHER))
        return {**told, "sso_identities": [entry, other]}

    change_userinfo(monkeypatch, twice)
    with started_product(stand_in, **TENANT) as product:
        browser = product.browser()
        kept_out(product, browser, product.sign_in(browser))


@pytest.mark.parametrize("identities", [None, [], "x", [None], [{"detail": "x"}], {"detail": {}}])
def test_missing_or_malformed_identities_meet_no_tenant_rule(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, identities: object
) -> None:
    change_userinfo(monkeypatch, lambda told: {**told, "sso_identities": identities})
    with started_product(stand_in, **TENANT) as product:
        browser = product.browser()
        kept_out(product, browser, product.sign_in(browser))


def failing(*_: object) -> Any:
    raise RuntimeError("userinfo fails")


FAILURES: dict[str, tuple[Callable[[Any], Any], int]] = {
    "another sub": (lambda told: {**told, "sub": BOB}, 400),
    "no sub": (lambda told: without(told, "sub"), 400),
    "a list": (lambda told: [told], 502),
    "5xx": (failing, 503),
}


@pytest.mark.invariant(10)
@pytest.mark.parametrize("name", FAILURES)
def test_userinfo_fails_closed(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """If a rule depends on userinfo, its failure is an error, not a refusal of the user."""
    change, status = FAILURES[name]
    with started_product(stand_in, **TENANT) as product:
        browser = product.browser()
        url = product.at_logto(browser.get("/sign-in").location)
        with monkeypatch.context() as patch:
            change_userinfo(patch, change)
            reply = browser.get(url)
        assert reply.status == status, reply.body
        assert reply.set_cookies == ()
        assert sessions(product) == []
        assert browser.get("/me", FETCH).status == 401
        assert product.sign_in(browser).status == 302


def test_sign_in_succeeds_if_userinfo_fails_and_no_rule_needs_it(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_userinfo(monkeypatch, failing)
    with started_product(stand_in, LOGTO_SCOPES=IDENTITIES) as product:
        browser = product.browser()
        assert product.sign_in(browser).status == 302
        assert me(browser)["tenant_id"] is None


def test_every_user_is_admitted_without_rules(stand_in: StandIn) -> None:
    """There is no request for userinfo then."""
    with started_product(stand_in) as product:
        for user in (ALICE, BOB, GRACE, "nomail000001"):
            query = "connector=contoso00001"
            assert product.sign_in(product.browser(), user, query).status == 302
        assert ("GET", "/oidc/me") not in product.stand_in.requests
