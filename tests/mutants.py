"""`make mutants`: turns off each guard in turn, and shows that a test notices.

Every mutant is one edit of a copy of the tree; the tests named with it must fail there. A mutant
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
    *("functions", "shared", "local", "provision", "tests"),
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
_PROVISION = "tests/provision"
SETUP, BAD_INPUT = f"{_PROVISION}/test_setup.py", f"{_PROVISION}/test_bad_input.py"
FILES, TEARDOWN = f"{_PROVISION}/test_files.py", f"{_PROVISION}/test_teardown.py"
_ID, _STEPS = "shared/id_token.py", "provision/steps"

MUTANTS = (
    Mutant("nonce of the ID token", _ID, 'raise IdTokenInvalid("`nonce` is not', 'return None  # ("', TOKEN, "nonce"),
    Mutant("issuer of the ID token", _ID, 'if claims.get("iss") != issuer:', "if False:", TOKEN, "iss"),
    Mutant("audience", _ID, "if audience != expected.client_id and audience != [expected.client_id]:", "if False:", TOKEN, "aud"),
    Mutant("authorized party", _ID, 'if "azp" in claims and claims["azp"] != expected.client_id:', "if False:", TOKEN, "azp"),
    Mutant("subject", _ID, "if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):", "if False:", TOKEN, "sub"),
    Mutant("expiry of the ID token", _ID, "if expires <= now - SKEW_SECONDS:", "if False:", TOKEN, "expired"),
    Mutant("issued in the future", _ID, "if issued > now + SKEW_SECONDS:", "if False:", TOKEN, "iat"),
    Mutant("issued before the sign-in", _ID, "if issued < expected.issued_after - SKEW_SECONDS:", "if False:", TOKEN, "iat"),
    Mutant("plausible lifetime", _ID, "if expires <= issued or expires - issued > MAX_LIFETIME_SECONDS:", "if False:", TOKEN, "exp"),
    Mutant("not before", _ID, 'if claims.get("nbf") is not None and', "if False and", TOKEN, "nbf"),
    Mutant("times are numbers", _ID, "if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):", "if False:", TOKEN, "claim"),
    Mutant("hash of the access token", _ID, '    _check_access_token_hash(claims, header["alg"], expected.access_token)', "    pass", TOKEN, "at_hash"),
    Mutant("logout token for an ID token", _ID, 'if "events" in claims:', "if False:", TOKEN, "events"),
    Mutant("type of the token", _ID, 'if str(header.get("typ", "JWT")).upper() != "JWT":', "if False:", TOKEN, "typ"),
    Mutant("headers of keys elsewhere", _ID, "if any(name in header for name in _REFUSED_HEADERS):", "if False:", TOKEN, "forgery"),
    Mutant("announced algorithms", _ID, "if algorithm not in known.algorithms:", "if False:", TOKEN, "announced"),
    Mutant("one key", _ID, "if len(suitable) != 1:", "if not suitable:", TOKEN, "kid"),
    Mutant("members named twice", "shared/json_object.py", "if len(members) != len(pairs):", "if False:", TOKEN, "twice"),
    Mutant("setup keeps others' metadata", f"{_STEPS}/application.py", "        **before,\n", "", SETUP, "keeps"),
    Mutant("setup takes no application of others", f"{_STEPS}/application.py", 'if application.get("name") == product.name:', "if False:", BAD_INPUT, "same_name"),
    Mutant("another product's back-channel", f"{_STEPS}/application.py", "    _check_backchannel(before, product, made=made)", "    pass", SETUP, "back_channel"),
    Mutant("setup takes no connector of others", f"{_STEPS}/connector.py", 'if found.get("providerName") != PROVIDER or not (same or known):', "if False:", BAD_INPUT, "taken"),
    Mutant("domains of others stay", f"{_STEPS}/connector.py", '"domains": [*there, ', '"domains": [', SETUP, "keeps"),
    Mutant("unused secrets go", f"{_STEPS}/registration.py", 'password.get("displayName") == SECRET_NAME and', "False and", SETUP, "ends_soon"),
    Mutant("secrets of others stay", f"{_STEPS}/registration.py", 'password.get("displayName") == SECRET_NAME and', "True and", SETUP, "its_own"),
    Mutant("patience with Graph", f"{_STEPS}/registration.py", "if refusal.status not in (400, 404):", "if True:", SETUP, "moment"),
    Mutant("issuer without a slash", "provision/microsoft.py", 'if issuer.endswith("/"):', "if False:", BAD_INPUT, "slash"),
    Mutant("issuer is what it says", "provision/microsoft.py", "if published != issuer:", "if False:", BAD_INPUT, "otherwise"),
    Mutant("public mail domains", "provision/wanted.py", "if name in PUBLIC_MAIL:", "if False:", BAD_INPUT, "public"),
    Mutant("a dry run changes nothing", "provision/run.py", "if self.dry:", "if False:", SETUP, "dry_run"),
    Mutant("a dry run keeps no record", "provision/run.py", "if not self.dry:", "if True:", SETUP, "dry_run"),
    Mutant("a .env for its owner", "provision/files.py", "mode=OWNER_ONLY", "mode=None", FILES, "owner"),
    Mutant("teardown leaves webhooks of others", f"{_STEPS}/hook.py", 'return str(hook.get("name") or "").endswith(product.marker)', "return True", TEARDOWN, "by_hand"),
    Mutant("teardown leaves SSO that others need", "provision/tearing_down.py", "and on and not others:", "and on:", TEARDOWN, "only_what"),
    Mutant("teardown leaves changed settings", "provision/tearing_down.py", 'if "LOGTO_APP_ID" in there and', 'if "LOGTO_APP_ID" in there or', TEARDOWN, "changed"),
    Mutant("ID token in the response", "shared/logto_client.py", "if response.id_token is None:", "if False:", PROVIDER, "id_token"),
    Mutant("type of the token response", "shared/logto_client.py", 'if str(body.get("token_type", "")).lower() != "bearer":', "if False:", PROVIDER, "token_type"),
    Mutant("check before tokens are kept", "shared/logto_client.py", "if self._check is not None:", "if False:", TOKEN, "claim or forgery"),
    Mutant("no redirect is followed", "shared/provider_http.py", "allow_redirects=False", "allow_redirects=True", PROVIDER, "redirect"),
    Mutant("size of an answer", "shared/provider_http.py", "if len(body) > MAX_BODY_BYTES:", "if False:", PROVIDER, "300"),
    Mutant("time for an answer", "shared/provider_http.py", "aiohttp.ClientTimeout(total=timeout_seconds)", "aiohttp.ClientTimeout(total=60)", PROVIDER, "late"),
    Mutant("compressed answers", "shared/provider_http.py", 'if response.headers.get("Content-Encoding", "identity").lower() != "identity":', "if False:", PROVIDER, "compressed"),
    Mutant("statuses of an outage", "shared/provider_http.py", "if response.status == 429 or response.status >= 500:", "if False:", PROVIDER, "cold"),
    Mutant("issuer of the metadata", "shared/provider.py", 'if document.get("issuer") != f"{endpoint}/oidc":', "if False:", PROVIDER, "lies"),
    Mutant("origin of the endpoints", "shared/provider.py", "or not _same_origin(url, endpoint):", ":", PROVIDER, "lies"),
    Mutant("rationed looks for keys", "shared/provider.py", "if self._take_look() else known", "", PROVIDER, "hundred"),
    Mutant("age of what is known", "shared/provider.py", "self._known if 0 <= age < STALE_SECONDS else None", "self._known", PROVIDER, "warm"),
    Mutant("renewal of the keys", "shared/provider.py", "0 <= age < FRESH_SECONDS:", "True:", PROVIDER, "removed"),
    Mutant("state is bound to a browser", "shared/table.py", '''f"binding IN ({', '.join(operands)})"''', '''f"attribute_exists(pk) OR binding IN ({', '.join(operands)})"''', CALLBACK, "browser"),
    Mutant("a transaction is claimed once", "shared/table.py", 'row = answer["Attributes"]', 'row = answer["Attributes"]\n        self._client.put_item(TableName=self._name, Item=row)', CALLBACK, "replayed"),
    Mutant("a lost claim is not repeated", "shared/table.py", "if failed.retried:", "if False:", TABLE, "redemption"),
    Mutant("issuer of the callback", "shared/callback.py", "_check_issuer(response, await logto.ready_for_code())", "await logto.ready_for_code()", CALLBACK, "iss"),
    Mutant("issuer is required where announced", "shared/callback.py", "if response.issuer is None and not known.names_issuer_in_callback:", "if response.issuer is None:", CALLBACK, "iss"),
    Mutant("a code or an error", "shared/callback.py", "if (code is None) == (error is None):", "if code is None and error is None:", CALLBACK, "error"),
    Mutant("form of the state", "shared/callback.py", "if not is_secret(state):", "if not state:", CALLBACK, "state"),
    Mutant("age of a transaction", "shared/callback.py", "if services.clock() >= transaction.started_at + TRANSACTION_SECONDS:", "if False:", CALLBACK, "expired"),
    Mutant("parameters come once", "shared/query.py", "if key in parameters:", "if False:", CALLBACK, "twice"),
    Mutant("number of parameters", "shared/query.py", "if len(pairs) > MAX_PARAMETERS:", "if False:", EDGE, "query"),
    Mutant("length of a query", "shared/query.py", "if len(raw) > MAX_QUERY_BYTES:", "if False:", EDGE, "query"),
    Mutant("control characters", "shared/query.py", "if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):", "if False:", CALLBACK, "NUL or control"),
    Mutant("a new session at every sign-in", "shared/callback.py", "secret = new_secret(services.random)", "secret = previous_secret or new_secret(services.random)", SESSION, "planted"),
    Mutant("the previous session ends", "shared/table.py", "if previous is not None:", "if False:", SESSION, "planted or another"),
    Mutant("a commit recognises its success", "shared/table.py", "if not self.holds(item.key):", "if True:", f"{TABLE} tests/store"),
    Mutant("condition of the idle extension", "shared/table.py", "                ConditionExpression=STILL_THERE,\n", "", TABLE, "resurrects"),
    Mutant("consistent reads", "shared/table.py", 'Key={"pk": {"S": key}}, ConsistentRead=True)', 'Key={"pk": {"S": key}}, ConsistentRead=False)', TABLE, "logout"),
    Mutant("conflicts are tried again", "shared/table.py", "if _is_conflict(refusal) else None", "if False else None", TABLE, "way"),
    Mutant("an answer that is DynamoDB's", "shared/table.py", 'if not answer.get("ResponseMetadata", {}).get("RequestId"):', "if False:", TABLE, "JSON"),
    Mutant("idle timeout", "shared/sessions.py", "min(ends_at, seen_at + settings.session_idle_seconds):", "ends_at:", SESSION, "timeout"),
    Mutant("absolute timeout", "shared/sessions.py", "if now >= min(ends_at, seen_at + settings.session_idle_seconds):", "if now >= seen_at + settings.session_idle_seconds:", SESSION, "timeout"),
    Mutant("an extension that found nothing", "shared/sessions.py", "if not _touched(seal.key, services, now=now, ends_at=ends_at):", "if _touched(seal.key, services, now=now, ends_at=ends_at) is None:", TABLE, "resurrects"),
    Mutant("one session cookie", "shared/cookies.py", "return values.pop() if len(values) == 1 else None", "return max(values) if values else None", SESSION, "signed_out"),
    Mutant("form of a session cookie", "shared/cookies.py", "if name == self.session_name and is_secret(value)", "if name == self.session_name", SESSION, "signed_in"),
    Mutant("name of the session cookie", "shared/cookies.py", "if name == self.session_name and is_secret(value)", "if name.lower() == self.session_name.lower() and is_secret(value)", SESSION, "signed_out"),
    Mutant("Secure", "shared/cookies.py", 'secure = "; Secure" if self.secure else ""', 'secure = ""', SESSION, "attributes"),
    Mutant("HttpOnly", "shared/cookies.py", "; HttpOnly; SameSite=Lax", "; SameSite=Lax", SESSION, "attributes"),
    Mutant("SameSite", "shared/cookies.py", "; HttpOnly; SameSite=Lax", "; HttpOnly; SameSite=None", SESSION, "attributes"),
    Mutant("return_to begins with a slash", "shared/return_to.py", 'or not value.startswith("/")', "", RETURN_TO),
    Mutant("return_to has no second slash", "shared/return_to.py", 'or "//" in decoded', "", RETURN_TO),
    Mutant("return_to does not loop", "shared/return_to.py", "for page in _FORBIDDEN:", "for page in ():", RETURN_TO),
    Mutant("origin of a posted sign-out", "functions/auth/routes/sign_out.py", "if not incoming.comes_from_here:", "if False:", SIGN_OUT, "post"),
    Mutant("origin of a link to sign out", "functions/auth/routes/sign_out.py", "if not incoming.comes_from_here or incoming.is_prefetch:", "if incoming.is_prefetch:", SIGN_OUT, "link"),
    Mutant("prefetched sign-out", "functions/auth/routes/sign_out.py", "if not incoming.comes_from_here or incoming.is_prefetch:", "if not incoming.comes_from_here:", SIGN_OUT, "ahead"),
    Mutant("revocation of the grant", "shared/sign_out.py", "    await _revoke(logto, storage, services)\n", "", PROVIDER, "revocation"),
    Mutant("the domain is API Gateway's", "shared/site.py", "not isinstance(domain, str) or not _DOMAIN.fullmatch(domain)", "not isinstance(domain, str)", EDGE, "event"),
    Mutant("issuer of a third party", "shared/sign_in.py", "if request.issuer is not None and request.issuer != known.issuer:", "if False:", EDGE, "query"),
    Mutant("pages escape", "functions/auth/pages/render.py", "autoescape=True", "autoescape=False", "tests/unit/test_pages.py"),
    Mutant("nothing is cached", "functions/auth/answers.py", '        "cache-control": "no-store",\n', "", SESSION, "caches"),
    Mutant("errors are logged without their text", "shared/observability.py", '"exception": type(failure).__name__,', '"exception": repr(failure),', "tests/unit/test_observability.py"),
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


def _baseline() -> None:
    """The tests pass while every guard is in its place: a failure then means something."""
    files = sorted({file for mutant in MUTANTS for file in mutant.tests.split()})
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"the tests fail without any mutant:\n{done.stdout[-2000:]}")


def main() -> int:
    """0 where every mutant was killed."""
    _baseline()
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

        for mutant, killed in zip(MUTANTS, pool.map(attempt, MUTANTS), strict=True):
            survivors += not killed
            print(f"{'killed  ' if killed else 'SURVIVED'}  {mutant.guard}", flush=True)
    print(f"{len(MUTANTS) - survivors} of {len(MUTANTS)} guards are proven by a test")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
