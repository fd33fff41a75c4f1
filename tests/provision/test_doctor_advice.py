"""`doctor` gives no advice that would not help: it says what is unknown, or what to do instead."""

import time
from email.utils import formatdate
from typing import Any

import pytest

from provision.desired import Product
from provision.doctor import checks_logto, collect_logto
from provision.doctor.checks_connectors import connectors
from provision.doctor.checks_deployment import cookie, home, me, sign_in
from provision.doctor.checks_endings import (
    backchannel_answers,
    default_connector,
    single_sign_on,
    webhook_answers,
)
from provision.doctor.checks_entra_settings import identities_scope
from provision.doctor.observed import NotObserved, ObservedIssuer, ObservedManagement
from provision.doctor.observed import ObservedResponse as Response
from tests.provision.observations import LOGTO, PRODUCT, logto, observed, site

TENANT = "7f3c1f0e-52a1-4d7e-9a40-0d5c64d7c0de"
ENTRA = "https://login.microsoftonline.com"
NOW = 1_800_000_000.0
EC = {"kty": "EC", "crv": "P-384", "use": "sig", "kid": "1"}
RSA = {"kty": "RSA", "use": "sig", "kid": "2"}
NO_SIGN_IN = [
    Response(status=500),
    Response(status=200),
    Response(status=404, headers={"location": f"{LOGTO}/oidc/auth?scope=openid"}),
    Response(status=302, headers={"location": "https://sso.example.test/?scope=openid"}),
    NotObserved("The product does not answer."),
]


@pytest.mark.parametrize("answer", NO_SIGN_IN)
def test_sign_in_that_does_not_lead_to_logto_leaves_the_rest_unknown(
    answer: Response | NotObserved,
) -> None:
    """Neither refresh tokens nor cookies nor scopes can be judged by it."""
    seen = observed(site=site(sign_in=answer), variables={"REVALIDATE_SECONDS": "3600"})
    for check in (checks_logto.refresh_tokens, cookie, identities_scope):
        found = check(seen)
        assert (found.status, found.fix) == ("unknown", ""), found


@pytest.mark.parametrize("check", [home, sign_in])
@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_answer_of_something_else_is_not_looked_up_in_the_products_log(
    check: Any, status: int
) -> None:
    own = Response(status=status, headers={"x-correlation-id": "x"})
    assert "x-correlation-id in the function's log" in check(_answering(own)).fix
    found = check(_answering(Response(status=status)))
    assert found.status == "fail"
    assert "is not the product's" in found.fix


def _answering(response: Response) -> Any:
    return observed(site=site(home=response, sign_in=response))


@pytest.mark.parametrize(
    ("status", "advice"), [(404, "is deployed"), (405, "is deployed"), (503, "See the log")]
)
@pytest.mark.parametrize("check", [backchannel_answers, webhook_answers])
def test_route_that_answers_is_not_said_to_be_missing(check: Any, status: int, advice: str) -> None:
    response = Response(status=status)
    found = check(observed(site=site(backchannel=response, webhook=response)))
    assert found.status == "fail"
    assert advice in found.fix
    assert ("is deployed" in found.fix) == (status != 503)


@pytest.mark.parametrize(
    ("announced", "keys", "name"),
    [
        (["ES384"], [EC], "ES384"),
        (["PS256", "RS256", "ES384"], [RSA, EC], "RS256"),
        (["RS256", "PS256", "ES384"], [RSA, EC], "RS256"),
        (["ES384", "PS256", "RS256"], [EC, RSA], "ES384"),
        (["PS256", "RS256"], [RSA], "RS256"),
        (["PS256"], [RSA], "PS256"),
        (["PS256", "RS256"], [{**RSA, "alg": "PS256"}], "PS256"),
        (["RS256"], [{**RSA, "alg": "RS512"}, RSA], "RS256"),
    ],
)
def test_algorithm_is_the_one_of_the_newest_key(
    announced: list[str], keys: list[dict[str, str]], name: str
) -> None:
    discovery = Response(status=200, body={"id_token_signing_alg_values_supported": announced})
    jwks = Response(status=200, body={"keys": keys})
    found = checks_logto.keys(observed(logto=logto(discovery=discovery, keys=jwks)))
    assert (found.status, found.found) == ("pass", f"{name}, {len(keys)} keys")


@pytest.mark.parametrize(
    ("response", "status", "words"),
    [
        (Response(status=400, body={"error": "invalid_grant"}), "pass", "accepts"),
        (Response(status=401, body={"error": "invalid_client"}), "fail", "current secret"),
        (Response(status=400, body={"error": "invalid_client"}), "fail", "Set LOGTO_APP_ID"),
        (Response(status=400, body={"error": "invalid_request"}), "fail", "Traditional"),
        (Response(status=400, body={"error": "unauthorized_client"}), "fail", "Traditional"),
        (Response(status=500), "unknown", "answers 500."),
        (Response(status=429, body={"error": "too_many"}), "unknown", "answers 429 too_many."),
        (Response(status=404), "unknown", "answers 404."),
    ],
)
def test_token_endpoint_that_fails_says_nothing_about_the_application(
    response: Response, status: str, words: str
) -> None:
    found = checks_logto.credentials(observed(logto=logto(token=response)))
    assert found.status == status
    assert words in found.found + found.fix


@pytest.mark.parametrize(
    "response",
    [
        Response(status=500),
        Response(status=429),
        Response(status=400, body={"error": "invalid_client"}),
    ],
)
def test_uris_are_unknown_if_logto_does_not_look_at_them(response: Response) -> None:
    seen = observed(logto=logto(redirect=response, sign_out=response))
    for check in (checks_logto.redirect_uri, checks_logto.post_sign_out_uri):
        assert check(seen).status == "unknown"


@pytest.mark.parametrize(
    ("discovery", "jwks", "status"),
    [
        (Response(status=404), Response(status=404), "unknown"),
        (Response(status=503), Response(status=503), "unknown"),
        (Response(status=200), Response(status=200, body={"keys": [EC]}), "unknown"),
        (
            Response(status=200, body={"id_token_signing_alg_values_supported": ["ES384"]}),
            Response(status=502),
            "fail",
        ),
    ],
)
def test_keys_that_were_not_read_need_no_rotation(
    discovery: Response, jwks: Response, status: str
) -> None:
    found = checks_logto.keys(observed(logto=logto(discovery=discovery, keys=jwks)))
    assert found.status == status
    assert "Rotate" not in found.fix


@pytest.mark.parametrize("check", [home, sign_in])
@pytest.mark.parametrize("status", [301, 302, 308])
@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://app.example.test/", "https://app.example.test/"),
        ("/login?next=x", f"{PRODUCT}/login"),
        ("https://sso.example.test/?x=1", "https://sso.example.test/"),
    ],
)
def test_redirect_of_something_in_front_is_not_one_to_another_logto(
    check: Any, status: int, location: str, target: str
) -> None:
    found = check(_answering(Response(status=status, headers={"location": location})))
    assert found.status == "fail"
    assert f"redirects to {target}" in found.found
    assert "base URL" in found.fix
    assert "sam deploy" not in found.fix


@pytest.mark.parametrize(("status", "words"), [(404, "is deployed"), (500, "correlation-id")])
def test_me_that_fails_is_not_said_to_be_missing(status: int, words: str) -> None:
    found = me(observed(site=site(me=Response(status=status))))
    assert words in found.fix
    assert ("is deployed" in found.fix) == (status == 404)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_logto_that_is_down_is_not_said_to_be_elsewhere(status: int) -> None:
    found = checks_logto.discovery(observed(logto=logto(discovery=Response(status=status))))
    assert found.status == "fail"
    assert "wait" in found.fix
    assert "LOGTO_ENDPOINT" not in found.fix


def ahead(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], *, took: float = 0.0
) -> float | NotObserved:
    """Return by how much this clock is ahead of a Logto that answers with these headers."""
    asked: list[dict[str, str]] = []

    def answer(http: object, method: str, path: str, **options: Any) -> Response:
        asked.append(options.get("headers", {}))
        return Response(status=200, headers=headers)

    monkeypatch.setattr(collect_logto, "response_to", answer)
    times = iter((NOW, NOW + took))
    found = collect_logto.collect_logto(
        LOGTO,
        Product(name="x", base_url=PRODUCT),
        app_id=None,
        app_secret=NotObserved("none"),
        clock=lambda: next(times),
    )
    assert asked[0] == {"cache-control": "no-cache"}
    return found.ahead_seconds


@pytest.mark.parametrize(
    ("written", "age", "took", "expected"),
    [
        (NOW, None, 0, 0),
        (NOW - 3600, "3600", 0, 0),
        (NOW - 3600, " 3599 ", 0, 0),
        (NOW - 3600, "60", 0, 3539),
        (NOW + 300, None, 0, -300),
        (NOW - 300, None, 0, 299),
        (NOW + 12, None, 15, 0),
        (NOW - 300, "-5", 0, 299),
        (NOW - 300, "soon", 0, 299),
        (NOW - 300, "9" * 400, 0, 299),
    ],
)
def test_clock_counts_the_age_of_a_cached_answer_and_the_time_it_took(
    monkeypatch: pytest.MonkeyPatch,
    written: float,
    age: str | None,
    took: float,
    expected: float,
) -> None:
    headers = {"date": formatdate(written, usegmt=True)} | ({"age": age} if age else {})
    assert ahead(monkeypatch, headers, took=took) == expected


@pytest.mark.parametrize("date", [None, "", "soon", "Mon, 99 Foo 2026 99:99:99 GMT"])
def test_clock_without_a_date_is_unknown(monkeypatch: pytest.MonkeyPatch, date: str | None) -> None:
    found = ahead(monkeypatch, {} if date is None else {"date": date})
    assert isinstance(found, NotObserved)


def test_date_without_an_offset_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert ahead(monkeypatch, {"date": formatdate(NOW)}) == 0
    finally:
        monkeypatch.undo()
        time.tzset()


def connector(identifier: str = "one", **config: Any) -> dict[str, Any]:
    return {
        "id": identifier,
        "connectorName": f"entra-{identifier}",
        "providerName": "AzureAdOidc",
        "domains": ["contoso.com"],
        "config": config,
    }


def complete(**config: Any) -> dict[str, Any]:
    given = {
        "issuer": f"{ENTRA}/{TENANT}/v2.0",
        "clientId": "3b1f6a52-6f0e-4b7e-8f8e-1f0a2d3c4b5a",
        "clientSecret": "abc~value",
    }
    return connector("complete", **{**given, **config})


def managed(*found: dict[str, Any], published: str | None = None, **parts: Any) -> Any:
    issuers = {one["id"]: ObservedIssuer(published=published) for one in found}
    management = ObservedManagement(
        connectors=list(found), issuers=issuers if published else {}, single_sign_on=True
    )
    return observed(management=management, **parts)


@pytest.mark.parametrize(
    "config", [{}, {"issuer": ""}, {"issuer": None, "clientId": ""}, {"clientId": "x"}]
)
def test_draft_connector_is_one_finding_that_says_so(config: dict[str, Any]) -> None:
    (found,) = connectors(managed(connector(**config)))
    assert (found.check, found.status) == ("entra-one: draft", "fail")
    assert "draft without issuer" in found.found
    assert "Complete the connector" in found.fix
    beside = connectors(managed(connector(**config), complete()))
    (found,) = [one for one in beside if one.check.startswith("entra-one")]
    assert found.status == "warn"


def test_draft_that_is_the_default_connector_is_a_failure() -> None:
    variables = {"LOGTO_DEFAULT_CONNECTOR": "one"}
    found = default_connector(managed(connector(), variables=variables))
    assert found.status == "fail"
    assert "is a draft" in found.found


def test_connectors_that_were_not_read_are_not_said_to_be_missing() -> None:
    management = ObservedManagement(single_sign_on=True)
    assert single_sign_on(observed(management=management)).status == "pass"


@pytest.mark.parametrize(
    ("named", "published", "words"),
    [
        ("common/v2.0", "{tenantid}/v2.0", "<tenant id>/v2.0"),
        ("organizations/v2.0", "{tenantid}/v2.0", "<tenant id>/v2.0"),
        ("Organizations/v2.0", "{tenantid}/v2.0", "<tenant id>/v2.0"),
        ("consumers/v2.0", "9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", "<tenant id>/v2.0"),
        ("{tenantid}/v2.0", "{tenantid}/v2.0", "<tenant id>/v2.0"),
        ("common/v2.0/", None, "<tenant id>/v2.0"),
        (TENANT, f"https://sts.windows.net/{TENANT}/", f"{TENANT}/v2.0"),
        ("contoso.com/v2.0", f"{TENANT}/v2.0", f"{TENANT}/v2.0"),
        (f"{TENANT}/v2.0/", None, f"{TENANT}/v2.0"),
    ],
)
def test_advice_for_an_issuer_is_one_that_a_connector_can_have(
    named: str, published: str | None, words: str
) -> None:
    if published and not published.startswith("https:"):
        published = f"{ENTRA}/{published}"
    found = connectors(managed(complete(issuer=f"{ENTRA}/{named}"), published=published))
    (issuer,) = [one for one in found if one.check.endswith(": issuer")]
    assert issuer.status == "fail"
    assert (
        issuer.fix == f"Set the connector's issuer to {ENTRA}/{words}, without a slash at the end."
    )


@pytest.mark.parametrize(
    "secret",
    [
        TENANT,
        TENANT.upper(),
        f"{{{TENANT}}}",
        f" {TENANT} ",
        "3b1f6a52-6f0e-4b7e-8f8e-1f0a2d3c4b5a",
    ],
)
def test_client_secret_that_is_a_guid_is_its_id(secret: str) -> None:
    found = connectors(managed(complete(clientSecret=secret)))
    (finding,) = [one for one in found if one.check.endswith(": client secret")]
    assert finding.status == "fail"
    assert "the secret's id, not its value" in finding.found
    assert secret.strip() not in finding.found + finding.fix


def test_connector_without_a_client_secret_is_a_failure() -> None:
    found = connectors(managed(complete(clientSecret=None)))
    (finding,) = [one for one in found if one.check.endswith(": client secret")]
    assert finding.status == "fail"
    assert "has no client secret" in finding.found
