"""The deployed product: its pages, its table, its stack."""

from typing import Final
from urllib.parse import parse_qs, urlsplit

from provision.doctor.finding import Finding, failed, passed, unknown, warned
from provision.doctor.observed import Seen, Unseen

OUTPUTS: Final = (
    "HomeUrl",
    "RedirectUri",
    "PostSignOutRedirectUri",
    "BackchannelLogoutUri",
    "WebhookUrl",
    "TableName",
    "AuthFunctionName",
    "AdminFunctionName",
)
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


def home(seen: Seen) -> Finding:
    """The start page answers, with the headers that protect it."""
    check = "start page"
    if isinstance(seen.home, Unseen):
        return failed(check, seen.home.why, "check the base URL, DNS, and that it is deployed")
    if seen.home.status != 200:
        return failed(
            check,
            f"{seen.product.base_url}/ answers {seen.home.status}",
            "look the reference in x-correlation-id up in the function's log",
        )
    missing = [n for n, v in _HEADERS.items() if v not in seen.home.headers.get(n, "")]
    if missing:
        return failed(
            check,
            f"{', '.join(missing)} missing or changed",
            "let whatever stands in front of the API (a CDN, a proxy) pass the headers on, and "
            "cache nothing",
        )
    return passed(check, f"{seen.product.base_url}/")


def sign_in(seen: Seen) -> Finding:
    """A sign-in leads to this Logto, as this application, and back here."""
    check = "sign-in"
    if isinstance(seen.sign_in, Unseen):
        return unknown(check, seen.sign_in.why)
    location = seen.sign_in.headers.get("location", "")
    if seen.sign_in.status not in (302, 303) or not location:
        return failed(
            check,
            f"/sign-in answers {seen.sign_in.status}, with no redirect",
            "look the reference in x-correlation-id up in the function's log",
        )
    if not location.startswith(f"{seen.endpoint}/oidc/auth?"):
        return failed(
            check,
            f"/sign-in leads to {location.partition('?')[0][:120]}, not to {seen.endpoint}",
            "deploy the LogtoEndpoint that setup found (sam deploy)",
        )
    asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    if asked.get("redirect_uri") != seen.product.redirect_uri:
        return failed(
            check,
            f"the redirect URI is {asked.get('redirect_uri')}",
            f"set BaseUrl so that it becomes {seen.product.redirect_uri}",
        )
    wanted = None if isinstance(seen.variables, Unseen) else seen.variables.get("LOGTO_APP_ID")
    if wanted and asked.get("client_id") != wanted:
        return failed(
            check,
            f"the deployed application is {asked.get('client_id')}, the one that is set {wanted}",
            "deploy again (sam deploy)",
        )
    return passed(check, f"leads to {seen.endpoint}")


def cookie(seen: Seen) -> Finding:
    """The sign-in's cookie is bound to this host, and out of reach of scripts."""
    check = "cookie"
    if isinstance(seen.sign_in, Unseen):
        return unknown(check, seen.sign_in.why)
    if not seen.sign_in.set_cookies:
        return failed(check, "/sign-in sets no cookie", "let the proxy in front pass Set-Cookie on")
    secure = seen.product.base_url.startswith("https://")
    for line in seen.sign_in.set_cookies:
        attributes = {part.strip().lower() for part in line.split(";")[1:]}
        wanted = {"httponly", "samesite=lax", "path=/"} | ({"secure"} if secure else set())
        prefixed = line.startswith("__Host-") or not secure
        if not prefixed or wanted - attributes or any(a.startswith("domain") for a in attributes):
            return failed(
                check,
                "it is not __Host-, Secure, HttpOnly, SameSite=Lax with the path /",
                "let whatever stands in front leave Set-Cookie as it is, and set BaseUrl to the "
                "https URL that browsers use",
            )
    return passed(check, "bound to this host, HttpOnly, SameSite=Lax")


def me(seen: Seen) -> Finding:
    """Programs are told that nobody is signed in."""
    check = "/me"
    if isinstance(seen.me, Unseen):
        return unknown(check, seen.me.why)
    kind = seen.me.headers.get("content-type", "")
    if seen.me.status == 401 and kind.startswith("application/problem+json"):
        return passed(check, "401 with a sign-in link")
    return failed(
        check,
        f"without a session it answers {seen.me.status} {kind}",
        "check that GET /me is deployed, and that nothing in front answers for it",
    )


def table(seen: Seen) -> list[Finding]:
    """The table is there, of the right shape, and can be restored."""
    if isinstance(seen.table, Unseen):
        return [unknown("table", seen.table.why)]
    if seen.table is None:
        fix = "deploy the stack again, or restore the table from its backup"
        return [failed("table", "there is no such table", fix)]
    found, findings = seen.table, []
    if found.key != ("pk", "sk"):
        findings.append(
            failed(
                "table",
                f"the key of {found.name} is {', '.join(found.key)}, not pk, sk",
                "let the stack make its own table",
            )
        )
    else:
        findings.append(passed("table", f"{found.name}, key pk, sk"))
    if found.ttl_attribute == "expires_at":
        findings.append(passed("table: TTL", "on expires_at"))
    else:
        findings.append(
            failed(
                "table: TTL",
                f"TTL is {f'on {found.ttl_attribute}' if found.ttl_attribute else 'off'}: ended "
                "sessions are never removed",
                "turn TTL on for the attribute expires_at",
            )
        )
    findings.append(
        passed("table: recovery", "point in time")
        if found.point_in_time_recovery
        else failed(
            "table: recovery",
            "point-in-time recovery is off",
            "turn point-in-time recovery on, or deploy the stack again",
        )
    )
    findings.append(
        passed("table: deletion", "protected")
        if found.deletion_protection
        else warned("table: deletion", "the table is not protected", "turn deletion protection on")
    )
    return findings


def stack(seen: Seen) -> list[Finding]:
    """The stack has its outputs, an alias to roll back by, and alarms that are quiet."""
    if isinstance(seen.deployed, Unseen):
        return [unknown("stack", seen.deployed.why)]
    found = seen.deployed
    missing = [name for name in OUTPUTS if name not in found.outputs]
    findings = [
        failed(
            "stack: outputs", f"{', '.join(missing)} missing", "deploy this version (sam deploy)"
        )
        if missing
        else passed("stack: outputs", f"{found.name}, {len(found.outputs)} outputs")
    ]
    findings.append(
        passed("stack: alias", ", ".join(found.aliases))
        if found.aliases
        else warned(
            "stack: alias",
            "no function has an alias: a bad version cannot be taken back at once",
            "deploy a version of the template with AutoPublishAlias",
        )
    )
    ringing = sorted(name for name, state in found.alarms.items() if state == "ALARM")
    if ringing:
        findings.append(
            failed(
                "stack: alarms",
                f"{', '.join(ringing)} in alarm",
                "see docs/operations.md for what each means",
            )
        )
    elif found.alarms:
        findings.append(passed("stack: alarms", f"{len(found.alarms)}, none in alarm"))
    else:
        fix = "deploy with alarms, and subscribe somebody to them"
        findings.append(warned("stack: alarms", "there are none", fix))
    return findings
