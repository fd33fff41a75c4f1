"""`make mutants`: turns off each guard in turn, and shows that a test notices.

`make mutants ONLY=webhook` takes those whose name holds the word. Every mutant is one edit of a copy of the tree; the tests named with it must fail there. A mutant
that survives is a guard that nothing proves.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parent.parent
_COPIED = (
    *("functions", "shared", "local", "provision", "harness", "tests"),
    *("pyproject.toml", "template.yaml"),
)
_HOSTILE = "tests/hostile"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A guard, the file it is in, its text, what takes its place, and the tests that must fail."""

    guard: str
    file: str
    old: str
    new: str
    tests: str
    only: str = ""


TOKEN, CALLBACK = f"{_HOSTILE}/test_id_token.py", f"{_HOSTILE}/test_callback.py"
PROVIDER, SESSION = f"{_HOSTILE}/test_provider.py", f"{_HOSTILE}/test_session.py"
TABLE, SIGN_OUT = f"{_HOSTILE}/test_table.py", f"{_HOSTILE}/test_sign_out.py"
RETURN_TO, EDGE = f"{_HOSTILE}/test_return_to.py", f"{_HOSTILE}/test_edge.py"
LOGOUT, HOOKS = f"{_HOSTILE}/test_backchannel_logout.py", f"{_HOSTILE}/test_webhooks.py"
REFRESH, BEARER = f"{_HOSTILE}/test_refresh.py", f"{_HOSTILE}/test_bearer.py"
RULES, REVALIDATION = "tests/journey/test_rules.py", "tests/journey/test_revalidation.py"
EVERYWHERE, ADMIN = "tests/journey/test_sign_out_everywhere.py", "tests/journey/test_admin.py"
AUTHORIZER, STORE = "tests/journey/test_authorizer.py", "tests/store"
RELAY, CONSOLE = "tests/local/test_relay.py", "tests/local/test_console.py"
PERMISSIONS, SNAPSHOT = "tests/template/test_permissions.py", "tests/snapshot/test_snapshot.py"
_ID = "shared/oidc/id_token.py"
_LOGOUT, _POST = (
    "functions/notifications/logout_token.py",
    "functions/notifications/backchannel_logout.py",
)
_HOOK, _BEARER = "functions/notifications/webhooks.py", "functions/authorizer/bearer_token.py"
_ENDINGS, _MARKERS = "shared/revocation.py", "shared/store/revocation_table.py"
_LEASE, _RULES = "shared/store/refresh_lease.py", "functions/auth/access_rules.py"
_SESSIONS = "shared/sessions.py"
_ANYTHING = "attribute_not_exists(nothing)"
_PROVISION = "tests/provision"
SETUP, BAD_INPUT = f"{_PROVISION}/test_setup.py", f"{_PROVISION}/test_bad_input.py"
FILES, TEARDOWN = f"{_PROVISION}/test_files.py", f"{_PROVISION}/test_teardown.py"
_STEPS = "provision/steps"

MUTANTS = (
    Mutant("nonce of the ID token", _ID, 'raise IdTokenInvalid("`nonce` is not', 'return None  # ("', TOKEN, "nonce"),
    Mutant("issuer of the ID token", _ID, 'if claims.get("iss") != issuer:', "if False:", TOKEN, "iss"),
    Mutant("audience", _ID, "if audience != expected.client_id and audience != [expected.client_id]:", "if False:", TOKEN, "aud"),
    Mutant("authorized party", _ID, 'if "azp" in claims and claims["azp"] != expected.client_id:', "if False:", TOKEN, "azp"),
    Mutant("subject", _ID, "if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):", "if False:", TOKEN, "sub"),
    Mutant("expiry of the ID token", _ID, "if expires <= now - SKEW_SECONDS:", "if False:", TOKEN, "expired"),
    Mutant("issued in the future", _ID, "if issued > now + SKEW_SECONDS:", "if False:", TOKEN, "iat"),
    Mutant("issued before the sign-in", _ID, 'if _time(claims, "iat") < expected.issued_after - SKEW_SECONDS:', "if False:", TOKEN, "iat"),
    Mutant("plausible lifetime", _ID, "if expires <= issued or expires - issued > MAX_LIFETIME_SECONDS:", "if False:", TOKEN, "exp"),
    Mutant("not before", _ID, 'if claims.get("nbf") is not None and', "if False and", TOKEN, "nbf"),
    Mutant("times are numbers", _ID, "if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):", "if False:", TOKEN, "claim"),
    Mutant("hash of the access token", _ID, '    _check_access_token_hash(claims, header["alg"], expected.access_token)', "    pass", TOKEN, "at_hash"),
    Mutant("logout token for an ID token", _ID, 'if "events" in claims:', "if False:", TOKEN, "events"),
    Mutant("type of the token", _ID, 'if str(header.get("typ", "JWT")).upper() != "JWT":', "if False:", TOKEN, "typ"),
    Mutant("headers of keys elsewhere", _ID, "if any(name in header for name in _REFUSED_HEADERS):", "if False:", TOKEN, "forgery"),
    Mutant("announced algorithms", _ID, "if algorithm not in known.algorithms:", "if False:", TOKEN, "announced"),
    Mutant("one key", _ID, "if len(suitable) != 1:", "if not suitable:", TOKEN, "kid"),
    Mutant("members named twice", "shared/parsing/strict_json.py", "if len(members) != len(pairs):", "if False:", TOKEN, "twice"),
    Mutant("setup keeps others' metadata", f"{_STEPS}/application.py", "        **before,\n", "", SETUP, "keeps"),
    Mutant("setup takes no application of others", f"{_STEPS}/application.py", 'if application.get("name") == product.name:', "if False:", BAD_INPUT, "same_name"),
    Mutant("another product's back-channel", f"{_STEPS}/application.py", "    _check_backchannel(before, product, made=made)", "    pass", SETUP, "back_channel"),
    Mutant("setup takes no connector of others", f"{_STEPS}/connector.py", 'if found.get("providerName") != PROVIDER or not (same or known):', "if False:", BAD_INPUT, "taken"),
    Mutant("setup takes no connector made by hand", f"{_STEPS}/connector.py", "if client_id not in ours:", "if False:", SETUP, "set_up_by_hand"),
    Mutant("domains of others stay", f"{_STEPS}/connector_members.py", '"domains": [*domains, ', '"domains": [', SETUP, "keeps"),
    Mutant("unused secrets go", f"{_STEPS}/registration.py", 'password.get("displayName") == SECRET_NAME and', "False and", SETUP, "ends_soon"),
    Mutant("secrets of others stay", f"{_STEPS}/registration.py", 'password.get("displayName") == SECRET_NAME and', "True and", SETUP, "of_its_own"),
    Mutant("patience with Graph", f"{_STEPS}/registration.py", "if refusal.status not in (400, 404):", "if True:", SETUP, "repeats"),
    Mutant("issuer without a slash", "provision/microsoft.py", 'if issuer.endswith("/"):', "if False:", BAD_INPUT, "slash"),
    Mutant("issuer is what it says", "provision/microsoft.py", "if published != issuer:", "if False:", BAD_INPUT, "another"),
    Mutant("public mail domains", "provision/desired.py", "if name in PUBLIC_MAIL:", "if False:", BAD_INPUT, "public"),
    Mutant("a dry run changes nothing", "provision/run.py", "if self.dry_run:", "if False:", SETUP, "dry_run"),
    Mutant("a dry run keeps no record", "provision/run.py", "if not self.dry_run:", "if True:", SETUP, "dry_run"),
    Mutant("a .env for its owner", "provision/files.py", "mode=OWNER_ONLY", "mode=None", FILES, "owner"),
    Mutant("teardown leaves webhooks of others", f"{_STEPS}/hook.py", 'return str(hook.get("name") or "").endswith(product.marker)', "return True", TEARDOWN, "by_hand"),
    Mutant("teardown leaves SSO that others need", "provision/teardown.py", "and on and not others:", "and on:", TEARDOWN, "only_what"),
    Mutant("teardown leaves a connector that others use", "provision/teardown.py", "    if others:\n", "    if False:\n", TEARDOWN, "another_deployment"),
    Mutant("teardown leaves an application that is needed", "provision/teardown.py", 'if one["appId"] not in in_use]', "if True]", TEARDOWN, "another_connector"),
    Mutant("teardown leaves changed settings", "provision/teardown.py", "if _holds_application(variables, record):", "if True:", TEARDOWN, "changed"),
    Mutant("ID token in the response", "shared/oidc/logto.py", "if response.id_token is None:", "if False:", PROVIDER, "id_token"),
    Mutant("type of the token response", "shared/oidc/token_response.py", 'if str(body.get("token_type", "")).lower() != "bearer":', "if False:", PROVIDER, "token_type"),
    Mutant("check before tokens are kept", "shared/oidc/logto.py", "if self._check is not None:", "if False:", TOKEN, "claim or forgery"),
    Mutant("no redirect is followed", "shared/oidc/http_client.py", "allow_redirects=False", "allow_redirects=True", PROVIDER, "redirect"),
    Mutant("size of an answer", "shared/oidc/http_client.py", "if len(body) > MAX_BODY_BYTES:", "if False:", PROVIDER, "300"),
    Mutant("time for an answer", "shared/oidc/http_client.py", "aiohttp.ClientTimeout(total=timeout_seconds)", "aiohttp.ClientTimeout(total=60)", PROVIDER, "late"),
    Mutant("compressed answers", "shared/oidc/http_client.py", 'if response.headers.get("Content-Encoding", "identity").lower() != "identity":', "if False:", PROVIDER, "compressed"),
    Mutant("statuses of an outage", "shared/oidc/http_client.py", "if response.status == 429 or response.status >= 500:", "if False:", PROVIDER, "cold"),
    Mutant("a 5xx leaves the outcome of a POST open", "shared/oidc/http_client.py", 'if response.status >= 500 and method == "POST":', "if False:", REFRESH, "5xx"),
    Mutant("outcome_unknown stays outcome_unknown", "functions/authorizer/token_refresh.py", "not leased.outcome_unknown\n", "True\n", REFRESH, "lost or credentials"),
    Mutant("no lease when time is short", "functions/authorizer/token_refresh.py", "late = self.spent > LEASE_WITHIN_SECONDS", "late = False", REFRESH, "no_time"),
    Mutant("no redemption when time is short", "functions/authorizer/token_refresh.py", "if self.spent > REDEEM_WITHIN_SECONDS:", "if False:", REFRESH, "no_time"),
    Mutant("time for discovery and keys", "shared/oidc/provider.py", "async with asyncio.timeout(seconds):", "async with asyncio.timeout(None):", f"{PROVIDER} {REFRESH}", "takes_its or take_too or hang"),
    Mutant("a sign-out is answered", "functions/auth/boundary.py", 'None if scope["path"] == "/sign-out" else ANSWER_SECONDS', "ANSWER_SECONDS", SIGN_OUT, "hangs"),
    Mutant("a sign-out ends every cookie's session", "functions/auth/routes/sign_out.py", "incoming.session_secrets,", "incoming.session_secrets[:1],", SIGN_OUT, "every_session"),
    Mutant("bearer tokens and kept answers", "functions/authorizer/application.py", "if asked.kept_without_bearer:", "if False:", BEARER, "kept_by"),
    Mutant("lifetime as it was", _SESSIONS, "min(session.ends_at, session.signed_in_at + settings.session_absolute_seconds)", "session.signed_in_at + settings.session_absolute_seconds", LOGOUT, "longer"),
    Mutant("in flight from the beginning", "functions/auth/callback.py", "seconds = max(0.0, min(redeemed_at - transaction.started_at, CODE_SECONDS))", "seconds = 0.0", LOGOUT, "at_the_provider"),
    Mutant("in flight for a code's life", "functions/auth/callback.py", "min(redeemed_at - transaction.started_at, CODE_SECONDS)", "redeemed_at - transaction.started_at", LOGOUT, "code_lives"),
    Mutant("Host is never read", "functions/auth/edge.py", "for name in _NEVER_READ & headers.keys():", "for name in ():", EDGE, "whom"),
    Mutant("halves of characters", "shared/parsing/strict_json.py", "if _HALF.search(text):", "if False:", PROVIDER, "half"),
    Mutant("endpoints are URLs to add to", "shared/oidc/provider.py", "origin_of(check_base(url)) == origin_of(endpoint)", "origin_of(url) == origin_of(endpoint)", PROVIDER, "lies"),
    Mutant("issuer of the metadata", "shared/oidc/provider.py", 'if document.get("issuer") != f"{endpoint}/oidc":', "if False:", PROVIDER, "lies"),
    Mutant("origin of the endpoints", "shared/oidc/provider.py", "or not _is_endpoint(url, endpoint):", ":", PROVIDER, "lies"),
    Mutant("rationed looks for keys", "shared/oidc/provider.py", "self._fetch_or(known) if self._take_look() else known", "self._fetch_or(known)", PROVIDER, "hundred"),
    Mutant("age of what is known", "shared/oidc/provider.py", "self._known if 0 <= age < STALE_SECONDS else None", "self._known", PROVIDER, "warm"),
    Mutant("renewal of the keys", "shared/oidc/provider.py", "0 <= age < FRESH_SECONDS:", "True:", PROVIDER, "removed"),
    Mutant("state is bound to a browser", "shared/store/session_table.py", '''f"binding IN ({', '.join(operands)})"''', '''f"attribute_exists(pk) OR binding IN ({', '.join(operands)})"''', CALLBACK, "browser"),
    Mutant("a transaction is claimed once", "shared/store/session_table.py", 'row = answer["Attributes"]', 'row = answer["Attributes"]\n        self._call("put_item", Item=row)', CALLBACK, "replayed"),
    Mutant("a lost claim is not repeated", "shared/store/session_table.py", "if failed.retried:", "if False:", TABLE, "redemption"),
    Mutant("issuer of the callback", "functions/auth/callback.py", "_check_issuer(response, await logto.ready())", "await logto.ready()", CALLBACK, "iss"),
    Mutant("issuer is required where announced", "functions/auth/callback.py", "if response.issuer is None and not known.names_issuer_in_callback:", "if response.issuer is None:", CALLBACK, "iss"),
    Mutant("a code or an error", "functions/auth/callback.py", "if (code is None) == (error is None):", "if code is None and error is None:", CALLBACK, "error"),
    Mutant("form of the state", "functions/auth/callback.py", "if not is_secret(state):", "if not state:", CALLBACK, "state"),
    Mutant("age of a transaction", "functions/auth/callback.py", "if services.clock() >= transaction.started_at + TRANSACTION_SECONDS:", "if False:", CALLBACK, "expired"),
    Mutant("parameters come once", "shared/parsing/form.py", "if key in parameters:", "if False:", CALLBACK, "twice"),
    Mutant("number of parameters", "shared/parsing/form.py", "if len(pairs) > MAX_PARAMETERS:", "if False:", EDGE, "query"),
    Mutant("length of a query", "shared/parsing/form.py", "if len(raw) > MAX_QUERY_BYTES:", "if False:", EDGE, "query"),
    Mutant("control characters", "shared/parsing/form.py", "if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):", "if False:", CALLBACK, "NUL or control"),
    Mutant("a new session at every sign-in", "functions/auth/callback.py", "secret = new_secret(services.random)", "secret = previous_secret or new_secret(services.random)", SESSION, "planted"),
    Mutant("the previous session ends", "shared/store/session_table.py", "if previous is not None:", "if False:", SESSION, "planted or another"),
    Mutant("a commit recognises its success", "shared/store/session_table.py", "if self.holds(item.key):", "if False:", f"{TABLE} tests/store"),
    Mutant("condition of the idle extension", "shared/store/session_table.py", "                ConditionExpression=STILL_THERE,\n", "", TABLE, "resurrects"),
    Mutant("consistent reads", "shared/store/session_table.py", 'Key={"pk": {"S": key}}, ConsistentRead=True)', 'Key={"pk": {"S": key}}, ConsistentRead=False)', TABLE, "logout"),
    Mutant("conflicts are tried again", "shared/store/dynamodb.py", "if _is_conflict(refusal) else None", "if False else None", TABLE, "way"),
    Mutant("an answer that is DynamoDB's", "shared/store/dynamodb.py", 'if not answer.get("ResponseMetadata", {}).get("RequestId"):', "if False:", TABLE, "JSON"),
    Mutant("idle timeout", "shared/sessions.py", "if now >= min(end, seen_at + settings.session_idle_seconds):", "if now >= end:", SESSION, "timeout"),
    Mutant("absolute timeout", "shared/sessions.py", "if now >= min(end, seen_at + settings.session_idle_seconds):", "if now >= seen_at + settings.session_idle_seconds:", SESSION, "timeout"),
    Mutant("an extension that found nothing", "shared/sessions.py", "if not _touched(seal.key, services, now=now, end=end):", "if _touched(seal.key, services, now=now, end=end) is None:", TABLE, "resurrects"),
    Mutant("one session cookie", "shared/web/cookies.py", "return values[0] if len(values) == 1 else None", "return max(values) if values else None", SESSION, "signed_out"),
    Mutant("form of a session cookie", "shared/web/cookies.py", "if name == self.session_name and is_secret(value)", "if name == self.session_name", SESSION, "signed_in"),
    Mutant("name of the session cookie", "shared/web/cookies.py", "if name == self.session_name and is_secret(value)", "if name.lower() == self.session_name.lower() and is_secret(value)", SESSION, "signed_out"),
    Mutant("Secure", "shared/web/cookies.py", 'secure = "; Secure" if self.secure else ""', 'secure = ""', SESSION, "attributes"),
    Mutant("HttpOnly", "shared/web/cookies.py", "; HttpOnly; SameSite=Lax", "; SameSite=Lax", SESSION, "attributes"),
    Mutant("SameSite", "shared/web/cookies.py", "; HttpOnly; SameSite=Lax", "; HttpOnly; SameSite=None", SESSION, "attributes"),
    Mutant("return_to begins with a slash", "functions/auth/return_to.py", 'or not value.startswith("/")', "", RETURN_TO),
    Mutant("return_to has no second slash", "functions/auth/return_to.py", 'or "//" in decoded', "", RETURN_TO),
    Mutant("return_to does not loop", "functions/auth/return_to.py", "for page in _FORBIDDEN:", "for page in ():", RETURN_TO),
    Mutant("origin of a posted sign-out", "functions/auth/routes/sign_out.py", "if not incoming.comes_from_here:", "if False:", SIGN_OUT, "post"),
    Mutant("origin of a link to sign out", "functions/auth/routes/sign_out.py", "if not incoming.comes_from_here or incoming.is_prefetch:", "if incoming.is_prefetch:", SIGN_OUT, "link"),
    Mutant("prefetched sign-out", "functions/auth/routes/sign_out.py", "if not incoming.comes_from_here or incoming.is_prefetch:", "if not incoming.comes_from_here:", SIGN_OUT, "ahead"),
    Mutant("revocation of the grant", "functions/auth/sign_out.py", "            await revoke_grant(storage, services)", "            pass", PROVIDER, "revocation"),
    Mutant("the domain is API Gateway's", "shared/web/base_url.py", "not isinstance(domain, str) or not _DOMAIN.fullmatch(domain)", "not isinstance(domain, str)", EDGE, "event"),
    Mutant("issuer of a third party", "functions/auth/sign_in.py", "if request.issuer is not None and request.issuer != known.issuer:", "if False:", EDGE, "query"),
    Mutant("pages escape", "functions/auth/pages/render.py", "autoescape=True", "autoescape=False", "tests/unit/test_pages.py"),
    Mutant("nothing is cached", "functions/auth/responses.py", '        "cache-control": "no-store",\n', "", SESSION, "caches"),
    Mutant("the authorizer makes no session", "template.yaml", '{ dynamodb:LeadingKeys: ["token#*"] }', '{ dynamodb:LeadingKeys: ["token#*", "session#*"] }', PERMISSIONS, "must_not"),
    Mutant("a refresh changes no more than it should", "template.yaml", "seen_at, expires_at, lease_owner,", "seen_at, expires_at, began_at, lease_owner,", PERMISSIONS, "must_not"),
    Mutant("endings read nothing that is sealed", "shared/store/revocation_table.py", "self._call.read_all(keys, ProjectionExpression=_NOT_SEALED)", "self._call.read_all(keys)", PERMISSIONS, "journey"),
    Mutant("no connection in a snapshot", "shared/snap_start.py", "    await services.close_connections()", "    pass", SNAPSHOT, "no_connection"),
    Mutant("metadata in the snapshot", "shared/snap_start.py", "await services.provider().known()", "pass", SNAPSHOT, "metadata"),
    Mutant("problems are counted", "shared/observability.py", 'self.count(PROBLEMS, reason=str(words.get("reason") or "error"))', "pass", "tests/unit/test_observability.py", "operator"),
    Mutant("errors are logged without their text", "shared/observability.py", '"exception": type(failure).__name__,', '"exception": repr(failure),', "tests/unit/test_observability.py"),
    Mutant("logout token: its type", _LOGOUT, 'if str(header.get("typ", "")).upper() not in _TYPES:', "if False:", LOGOUT, "typ"),
    Mutant("logout token: its issuer", _LOGOUT, 'if claims.get("iss") != known.issuer:', "if False:", LOGOUT, "iss"),
    Mutant("logout token: its audience", _LOGOUT, 'if claims.get("aud") not in (client_id, [client_id]):', "if False:", LOGOUT, "aud"),
    Mutant("logout token: its lifetime", _LOGOUT, "    check_lifetime(claims, now=now)\n", "", LOGOUT, "expired"),
    Mutant("logout token: its age", _LOGOUT, 'if claims["iat"] < now - MAX_AGE_SECONDS - SKEW_SECONDS:', "if False:", LOGOUT, "ago"),
    Mutant("logout token: its event", _LOGOUT, "if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):", "if False:", LOGOUT, "events"),
    Mutant("logout token: no nonce", _LOGOUT, 'if "nonce" in claims:', "if False:", LOGOUT, "nonce"),
    Mutant("logout token: no nonce of null", _LOGOUT, 'if "nonce" in claims:', 'if claims.get("nonce") is not None:', LOGOUT, "null"),
    Mutant("logout token: whom it names", _LOGOUT, "if subject is None and op_session is None:", "if False:", LOGOUT, "neither"),
    Mutant("logout token: its id", _LOGOUT, "if token_id is None:", "if False:", LOGOUT, "jti"),
    Mutant("logout token: form of a name", _LOGOUT, "if not isinstance(value, str) or not _NAME.fullmatch(value):", "if False:", LOGOUT, "sub or sid or jti"),
    Mutant("logout token: it comes as a form", _POST, 'if message.content_type != "application/x-www-form-urlencoded":', "if False:", LOGOUT, "posts"),
    Mutant("logout token: a replay ends nothing", _POST, "if services.revocations().is_there(guard):", "if False:", LOGOUT, "replayed"),
    Mutant("logout token: a used one is noted", _POST, "if not services.revocations().put_once(guard, owner, expires_at=expires_at):", "if False:", LOGOUT, "replayed"),
    Mutant("logout token: a failed one is not used up", _POST, "    count = _end(token, services)\n    owner = base64url.encode(services.random(12))\n    expires_at = int(services.clock()) + REPLAY_SECONDS\n", "    owner = base64url.encode(services.random(12))\n    expires_at = int(services.clock()) + REPLAY_SECONDS\n    services.revocations().put_once(guard, owner, expires_at=expires_at)\n    count = _end(token, services)\n", LOGOUT, "failing"),
    Mutant("logout token: an outage of the keys is no refusal", _POST, "provider.looked_up()", "provider.refreshed()", LOGOUT, "new_keys"),
    Mutant("logout token: rationed looks for keys", "shared/oidc/provider.py", "self._fetch_or(None) if self._take_look() else known", "self._fetch_or(None)", LOGOUT, "hundred"),
    Mutant("logout token: it is posted", "functions/notifications/application.py", 'if message.method != "POST":', "if False:", f"{LOGOUT} {HOOKS}", "posts or events"),
    Mutant("ending: a marker of the subject", _ENDINGS, "endings.mark_subject(", "(lambda *_, **__: None)(", LOGOUT, "between"),
    Mutant("ending: a marker of the session at Logto", _ENDINGS, "endings.mark_op_session(", "(lambda *_, **__: None)(", LOGOUT, "between"),
    Mutant("ending: what began later goes on", _ENDINGS, "if i.began_at <= until and", "if", LOGOUT, "spares"),
    Mutant("ending: who asks goes last", _ENDINGS, " and i.key != spared", "", EVERYWHERE, "failing"),
    Mutant("ending: a sid of another subject", _ENDINGS, "    if subject is not None:\n", "    if False:\n", LOGOUT, "names"),
    Mutant("ending: a marker stays the later one", _MARKERS, '"attribute_not_exists(pk) OR ended_before <= :ended_before"', f'"{_ANYTHING}"', STORE, "marker"),
    Mutant("ending: a later arrival counts", _MARKERS, "            self._update_there(key, change, values)", "            return", f"{STORE} {LOGOUT}", "further or hides"),
    Mutant("ending: a marker of any subject stays one", _MARKERS, '"attribute_not_exists(pk) OR attribute_exists(subjects)"', f'"{_ANYTHING}"', STORE, "logto"),
    Mutant("ending: a guard knows itself again", _MARKERS, 'mine: bool = (failed.found or {}).get("owner", {}).get("S") == owner', "mine = False", STORE, "guard"),
    Mutant("ending: an index that lists something stays", _MARKERS, '"attribute_not_exists(sessions)"', f'"{_ANYTHING}"', STORE, "index_item"),
    Mutant("ending: a commit meets the subject's marker", "shared/store/session_table.py", "ended_before < :authenticated OR arrived_at", "ended_before < :authenticated OR attribute_exists(pk) OR arrived_at", f"{STORE} {LOGOUT}", "marker or between"),
    Mutant("ending: this second is over", "shared/store/session_table.py", "ended_before < :authenticated OR", "ended_before <= :authenticated OR", STORE, "marker"),
    Mutant("ending: a commit meets the marker of Logto's session", "shared/store/session_table.py", "(attribute_exists(subjects) AND NOT contains(subjects, :subject))", "attribute_exists(pk) OR contains(subjects, :subject)", STORE, "logto"),
    Mutant("ending: what a batch leaves undone", "shared/store/dynamodb.py", "        if answers[-1].get(left):\n            raise", "        if False:\n            raise", f"{STORE} {LOGOUT}", "undone or never_done"),
    Mutant("webhook: form of a signature", _HOOK, "if not _SIGNATURE.fullmatch(given):", "if False:", HOOKS, "signature"),
    Mutant("webhook: the signature", _HOOK, "return hmac.compare_digest(wanted, given.lower())", "return True", HOOKS, "signature"),
    Mutant("webhook: a signature that no key made", _HOOK, "if renewed is None or not _signs(renewed, body, given):", "if False:", HOOKS, "signature"),
    Mutant("webhook: a rotated key", _HOOK, "renewed = key.renewed(key.value())", "renewed = None", HOOKS, "rotated"),
    Mutant("webhook: when the event was", _HOOK, "min(created_at(event), int(services.clock()) + SKEW_SECONDS)", "int(services.clock()) + SKEW_SECONDS", HOOKS, "replay"),
    Mutant("webhook: Logto's clock may be ahead", _HOOK, "int(services.clock()) + SKEW_SECONDS)", "int(services.clock()))", HOOKS, "ahead"),
    Mutant("webhook: an event of the future", _HOOK, "min(created_at(event), int(services.clock()) + SKEW_SECONDS)", "created_at(event)", HOOKS, "future"),
    Mutant("webhook: a lifted suspension", _HOOK, 'if not data["isSuspended"]:', "if False:", HOOKS, "ends_nothing"),
    Mutant("webhook: a time has a zone", _HOOK, "if moment is None or moment.tzinfo is None:", "if moment is None:", HOOKS, "zone"),
    Mutant("webhook: form of a user's id", _HOOK, "if not isinstance(user, str) or not _USER_ID.fullmatch(user):", "if False:", HOOKS, "malformed"),
    Mutant("bearer: type of the token", _BEARER, 'if str(header.get("typ", "")).upper() not in _TYPES:', "if False:", BEARER, "typ"),
    Mutant("bearer: issuer", _BEARER, 'if claims.get("iss") != known.issuer:', "if False:", BEARER, "iss"),
    Mutant("bearer: audience", _BEARER, "if not isinstance(audience, str) or audience not in resources:", "if False:", BEARER, "aud or resource"),
    Mutant("bearer: subject", _BEARER, "if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):", "if False:", BEARER, "sub"),
    Mutant("bearer: lifetime", _BEARER, "    check_lifetime(claims, now=now)\n", "", BEARER, "exp or iat or nbf"),
    Mutant("bearer: form of the header", _BEARER, "if matched is None:", "matched = matched or re.match(r'.*?([^ ,]+)', authorization)\n    if matched is None:", BEARER, "headers"),
    Mutant("bearer: a cookie makes up for nothing", "functions/authorizer/application.py", "if asked.authorization is not None:", "if False:", f"{BEARER} {AUTHORIZER}", "headers or makes_up"),
    Mutant("bearer: the resource of the route", "functions/authorizer/bearer.py", "if target is None else (target,)", "if True else (target,)", BEARER, "route"),
    Mutant("lease: one holder", _LEASE, "(attribute_not_exists(lease_until) OR lease_until <= :now)", "(attribute_exists(pk) OR lease_until <= :now)", STORE, "lease"),
    Mutant("lease: no row, no lease", _LEASE, '"attribute_exists(pk) AND (attribute_not_exists(lease_until) OR lease_until <= :now)"', '"attribute_not_exists(lease_until) OR lease_until <= :now"', STORE, "nothing"),
    Mutant("lease: who has lost it has no say", _LEASE, '"attribute_exists(pk) AND lease_owner = :owner"', '"attribute_exists(pk) AND (attribute_exists(pk) OR lease_owner = :owner)"', STORE, "old_holder"),
    Mutant("lease: nothing resurrects a session", _LEASE, '"attribute_exists(pk) AND lease_owner = :owner"', '"attribute_not_exists(pk) OR lease_owner = :owner"', STORE, "brings"),
    Mutant("lease: its own success", _LEASE, 'if row.get("lease_owner", {}).get("S") != lease.owner:', "if True:", STORE, "lost"),
    Mutant("lease: the success of a refresh", _LEASE, "if self._refreshed_by(key, owner):", "if False:", STORE, "finish"),
    Mutant("lease: a holder that never said", _LEASE, 'outcome_unknown=row["taken_from"]["S"] != _NOBODY', "outcome_unknown=False", f"{STORE} {REFRESH}", "lapsed or lost_after"),
    Mutant("lease: a spent token is not sent", "functions/authorizer/token_refresh.py", "if not redeemable:", "if False:", REFRESH, "lost_after or says"),
    Mutant("lease: a rotated token is kept first", "shared/oidc/logto.py", 'persist({**kept, "refreshToken": response.refresh_token})', "pass", REFRESH, "dies"),
    Mutant("lease: a rest after a failure", "functions/authorizer/token_refresh.py", "until = self.services.clock() + REST_SECONDS", "until = self.services.clock()", REFRESH, "moment"),
    Mutant("rules: tenants", _RULES, "if settings.allowed_tenants and entra.tenant_id not in settings.allowed_tenants:", "if False:", RULES, "tenant"),
    Mutant("rules: organizations", _RULES, "if settings.allowed_organizations and not organizations & set(settings.allowed_organizations):", "if False:", RULES, "organization"),
    Mutant("rules: roles", _RULES, "if settings.allowed_roles and not roles & set(settings.allowed_roles):", "if False:", RULES, "role"),
    Mutant("rules: e-mail domains", _RULES, "if settings.allowed_email_domains and _domain(claims) not in settings.allowed_email_domains:", "if False:", RULES, "domain"),
    Mutant("rules: a verified address", _RULES, 'or claims.get("email_verified") is not True:', ":", RULES, "verified"),
    Mutant("rules: one address", _RULES, 'if separator and local and "@" not in local else None', "if separator else None", RULES, "look_like"),
    Mutant("rules: one tenant for certain", "functions/auth/entra_claims.py", "tenant_id=tenants.pop() if certain else None,", "tenant_id=max(tenants, default=None),", RULES, "two_tenants"),
    Mutant("rules: groups that have a name", "functions/auth/entra_claims.py", "            if group.lower() in settings.entra_groups:\n                names[settings.entra_groups[group.lower()]] = None", "            names[settings.entra_groups.get(group.lower(), group)] = None", RULES, "250"),
    Mutant("rules: the grant of who is kept out", "functions/auth/callback.py", "except (NotAllowed, SignInRefused):", "except SignInRefused:", RULES, "a_rule"),
    Mutant("rules: no sign-in without userinfo", "functions/auth/callback.py", "if settings.reads_entra:", "if False:", RULES, "closed"),
    Mutant("rules: userinfo of another user", "shared/oidc/logto.py", 'if claims.get("sub") != subject:', "if False:", RULES, "closed"),
    Mutant("re-validation: when it is due", _SESSIONS, "due = 0 < settings.revalidate_seconds <= now - session.signed_in_at", "due = False", REVALIDATION),
    Mutant("re-validation: nothing is served while it is due", _SESSIONS, "if live.revalidation_due:", "if False:", REVALIDATION),
    Mutant("re-validation: the grace", _SESSIONS, "return min(latest, proven_until + settings.revalidate_grace_seconds)", "return latest", REVALIDATION, "grace"),
    Mutant("re-validation: no extension while it is due", _SESSIONS, "if touch and not due and", "if touch and", REVALIDATION, "extended"),
    Mutant("re-validation: Entra is asked anew", "shared/web/base_url.py", '{"prompt": "login", "connector"', '{"connector"', REVALIDATION),
    Mutant("cross-site requests at the authorizer", "functions/authorizer/cookie.py", "if asked.could_be_forged:", "if False:", AUTHORIZER, "unsafe"),
    Mutant("cross-site requests by their origin", "shared/web/base_url.py", "if origin and origin != self.origin:", "if False:", f"{AUTHORIZER} {SIGN_OUT}", "unsafe or post"),
    Mutant("cross-site requests by Fetch Metadata", "shared/web/base_url.py", 'return fetch_site in ("", "none", "same-origin")', "return True", f"{AUTHORIZER} {SIGN_OUT}", "unsafe or post"),
    Mutant("operator: the proof of who calls", "functions/admin/application.py", 'who_calls(event.get("caller"))', '"anybody"', ADMIN, "proves"),
    Mutant("operator: a proof asks for an identity alone", "functions/admin/caller.py", "or len(proof) > 8192 or not self._is_proof(proof):", ":", ADMIN, "proves or regions"),
    Mutant("operator: nothing but sessions", "functions/admin/actions.py", """key = f"session#{_named(event, 'session')}\"""", 'key = _named(event, "session")', ADMIN, "ending"),
    Mutant("relay: a forged header is overwritten", "local/relay.py", 'if mapping.action != "append":', "if False:", RELAY, "forge or cookies"),
    Mutant("relay: reserved headers", "local/relay.py", "if _RESERVED.fullmatch(header):", "if False:", RELAY, "reserved"),
    Mutant("relay: a denial", "local/authorizers.py", 'if not answer["isAuthorized"]:', "if False:", RELAY, "denied"),
    Mutant("relay: who is nobody is not asked for", "local/authorizers.py", "if not all(sources):", "if False:", RELAY, "identifies"),
    Mutant("relay: forms of the console", "local/logto/console.py", 'if request.headers.get("origin", state.url) != state.url:', "if False:", CONSOLE, "another_site"),
)  # fmt: skip


def _copies(count: int, folder: Path) -> Iterator[Path]:
    for number in range(count):
        copy = folder / str(number)
        for name in _COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        yield copy


def _killed(mutant: Mutant, copy: Path) -> bool:
    """Whether a test fails with the mutant in place."""
    file = copy / mutant.file
    text = file.read_text()
    if text.count(mutant.old) != 1:
        raise SystemExit(f"{mutant.guard}: its text is not once in {mutant.file}")
    changed = text.replace(mutant.old, mutant.new)
    if file.suffix == ".py":
        compile(changed, mutant.file, "exec")  # a mutant that does not run proves nothing
    file.write_text(changed)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", *mutant.tests.split()]
    if mutant.only:
        command += ["-k", mutant.only]
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
        )
    finally:
        file.write_text(text)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{mutant.guard}: pytest ended with {done.returncode}\n{done.stdout}")
    return done.returncode == 1


def _baseline(mutants: tuple[Mutant, ...]) -> None:
    """The tests pass while every guard is in its place: a failure then means something."""
    files = sorted({file for mutant in mutants for file in mutant.tests.split()})
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"the tests fail without any mutant:\n{done.stdout[-2000:]}")


def main(word: str = "") -> int:
    """0 where every mutant was killed whose name holds `word`."""
    mutants = tuple(mutant for mutant in MUTANTS if word in mutant.guard)
    if not mutants:
        raise SystemExit(f"no guard has {word!r} in its name")
    _baseline(mutants)
    workers = os.cpu_count() or 1
    survivors = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for copy in _copies(workers, Path(folder)):
            copies.put(copy)

        def attempt(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                return _killed(mutant, copy)
            finally:
                copies.put(copy)

        for mutant, killed in zip(mutants, pool.map(attempt, mutants), strict=True):
            survivors += not killed
            print(f"{'killed  ' if killed else 'SURVIVED'}  {mutant.guard}", flush=True)
    print(f"{len(mutants) - survivors} of {len(mutants)} guards are proven by a test")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
