"""Claims of Entra count only if Entra issued them, and only if they are fresh."""

from dataclasses import replace
from typing import Any

import pytest

from functions.auth.entra_claims import (
    CLOCKS_SECONDS,
    CURRENT_SECONDS,
    EntraUser,
    authenticated_at,
    entra_user,
    is_login_url,
)
from shared.settings import Settings

pytestmark = pytest.mark.invariant(15)

CONTOSO = "11111111-1111-4111-8111-111111111111"
FABRIKAM = "22222222-2222-4222-8222-222222222222"
GROUP = "7f3c1f0e-52a1-4d7e-9a40-0d5c64d7c0de"
NOW = 1_800_000_000
SETTINGS = Settings(
    logto_endpoint="https://tenant.logto.app",
    logto_app_id="app",
    table_name="table",
    allowed_tenants=(CONTOSO,),
    entra_groups={GROUP: "staff"},
    entra_roles={"Admin": "admin"},
)


def login(tenant: str, host: str = "login.microsoftonline.com") -> str:
    return f"https://{host}/{tenant}"


def identity(tenant: str = CONTOSO, *, issuer: str | None = None, **detail: Any) -> dict[str, Any]:
    issuer = issuer or f"{login(tenant)}/v2.0"
    claims = {"iss": issuer, "tid": tenant, "iat": NOW - 1, "groups": [GROUP], "roles": ["Admin"]}
    return {"issuer": issuer, "identityId": "x", "detail": {**claims, **detail}}


def read(*identities: Any, auth_time: int | None = NOW, settings: Settings = SETTINGS) -> EntraUser:
    return entra_user({"sso_identities": list(identities)}, auth_time=auth_time, settings=settings)


def test_identity_of_this_sign_in_gives_tenant_groups_and_roles() -> None:
    assert read(identity()) == EntraUser(
        tenant_id=CONTOSO, login_url=login(CONTOSO), groups=("admin", "staff"), vouched_at=NOW - 1
    )


@pytest.mark.parametrize(
    ("offset", "current"),
    [
        (-CURRENT_SECONDS, True),
        (-CURRENT_SECONDS - 1, False),
        (-60, True),
        (60, True),
        (CLOCKS_SECONDS, True),
        (CLOCKS_SECONDS + 1, False),
        (-30 * 86_400, False),
    ],
)
def test_identity_counts_only_if_entra_vouched_during_this_sign_in(
    offset: int, current: bool
) -> None:
    user = read(identity(iat=NOW + offset))
    assert (user.tenant_id is not None) == current
    assert bool(user.groups) == current
    assert user.vouched_at == NOW + offset


def test_identity_is_ignored_without_auth_time() -> None:
    user = read(identity(), auth_time=None)
    assert (user.tenant_id, user.groups) == (None, ())


FOREIGN: dict[str, dict[str, Any]] = {
    "a tid under another issuer": identity(issuer="https://idp.evil.test/v2.0"),
    "a tid under a similar host": identity(issuer=f"https://login.microsoftonline.com.evil.test/{CONTOSO}/v2.0"),
    "a login host in the path": identity(issuer=f"https://evil.test/login.microsoftonline.com/{CONTOSO}/v2.0"),
    "a login host as user name": identity(issuer=f"https://login.microsoftonline.com@evil.test/{CONTOSO}/v2.0"),
    "a port": identity(issuer=f"https://login.microsoftonline.com:444/{CONTOSO}/v2.0"),
    "more in the path": identity(issuer=f"https://login.microsoftonline.com/x/{CONTOSO}/v2.0"),
    "plain http": identity(issuer=f"http://login.microsoftonline.com/{CONTOSO}/v2.0"),
    "the issuer of another tenant": identity(issuer=f"{login(FABRIKAM)}/v2.0"),
    "another issuer in the token": identity(iss="https://idp.evil.test/v2.0"),
    "a stand-in beside a real Logto": identity(issuer=f"http://localhost:3100/entra/{CONTOSO}/v2.0"),
    "version 1": identity(issuer=f"https://sts.windows.net/{CONTOSO}/"),
    "common": identity(issuer="https://login.microsoftonline.com/common/v2.0"),
    "no issuer": {"detail": identity()["detail"]},
    "an issuer that is not text": {**identity(), "issuer": 5},
    "no detail": {"issuer": f"{login(CONTOSO)}/v2.0"},
    "a detail that is not an object": {**identity(), "detail": "x"},
    "iat as text": identity(iat=str(NOW)),
    "iat as boolean": identity(iat=True),
    "no iat": {**identity(), "detail": {"tid": CONTOSO}},
    "tid as a number": identity(tid=5),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_identity_of_another_issuer_than_microsoft_is_ignored(name: str) -> None:
    assert read(FOREIGN[name]) == EntraUser()
    # It does not hide Microsoft's identity beside it either.
    assert read(FOREIGN[name], identity()).tenant_id == CONTOSO


@pytest.mark.parametrize(
    "host",
    ["login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
)
def test_identity_of_another_microsoft_cloud_counts(host: str) -> None:
    assert read(identity(issuer=f"{login(CONTOSO, host)}/v2.0")).login_url == login(CONTOSO, host)


def test_identity_of_the_stand_in_counts_beside_a_local_logto() -> None:
    local = replace(SETTINGS, logto_endpoint="http://localhost:3100")
    url = f"http://localhost:3100/entra/{CONTOSO}"
    assert read(identity(issuer=f"{url}/v2.0"), settings=local).login_url == url
    assert is_login_url(url, local)
    assert not is_login_url(url, SETTINGS)
    elsewhere = identity(issuer=f"http://idp.evil.test/{CONTOSO}/v2.0")
    assert read(elsewhere, settings=local) == EntraUser()


def test_user_of_two_tenants_gets_the_tenant_of_this_sign_in() -> None:
    month_ago = identity(FABRIKAM, iat=NOW - 30 * 86_400)
    assert read(identity(), month_ago).tenant_id == CONTOSO
    just_before = identity(FABRIKAM, iat=NOW - 90)
    assert read(just_before, identity()).tenant_id == CONTOSO
    assert read(identity(), identity(FABRIKAM)).tenant_id is None


def test_role_of_a_second_customer_with_the_same_value_is_not_mapped() -> None:
    both = replace(
        SETTINGS,
        allowed_tenants=(CONTOSO, FABRIKAM),
        entra_roles={f"{CONTOSO}/Admin": "admin"},
        entra_groups={f"{CONTOSO}/{GROUP}": "staff"},
    )
    assert read(identity(), settings=both).groups == ("admin", "staff")
    assert read(identity(FABRIKAM), settings=both).groups == ()
    # A value without a tenant belongs to the only allowed tenant.
    assert read(identity(FABRIKAM)).groups == ()


@pytest.mark.parametrize(
    ("vouched_at", "auth_time", "expected"),
    [
        (NOW - 5, NOW - 4, NOW - 5),
        (NOW - 900, NOW - 4, NOW - 900),  # by password, or silently
        (NOW - 5, NOW - 900, NOW - 900),  # Entra vouched in another browser
        (None, NOW - 4, NOW - 4),
        (NOW - 5, None, NOW - 5),
        (None, None, None),
        (NOW + 900, NOW + 900, NOW),
    ],
)
def test_authentication_is_never_later_than_its_sources(
    vouched_at: int | None, auth_time: int | None, expected: int | None
) -> None:
    entra = EntraUser(vouched_at=vouched_at)
    assert authenticated_at(entra, auth_time=auth_time, now=NOW) == expected


@pytest.mark.parametrize(
    "url",
    [
        f"{login(CONTOSO)}/",
        f"{login(CONTOSO)}?x",
        f"{login(CONTOSO)}/../x",
        "https://login.microsoftonline.com/common",
        f"https://evil.test/{CONTOSO}",
        f"//login.microsoftonline.com/{CONTOSO}",
        "javascript:alert(1)",
        "",
    ],
)
def test_only_a_tenants_own_url_is_a_login_url(url: str) -> None:
    assert is_login_url(login(CONTOSO), SETTINGS)
    assert not is_login_url(url, SETTINGS)
