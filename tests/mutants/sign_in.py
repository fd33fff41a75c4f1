"""Guards of a browser's way in: requests, transactions, callbacks, rules, and pages."""

from tests.mutants.edits import always, instead, never, without
from tests.mutants.mutant import Mutant
from tests.mutants.suites import (
    CALLBACK,
    EDGE,
    ENTRA,
    EVENT,
    EVENTS,
    LOGOUT,
    PAGES,
    PROVIDER,
    RETURN_TO,
    REVALIDATION,
    RULES,
    SESSION,
    SETTINGS,
    SIGN_IN,
    TABLE,
    TARGETS,
)

_CALLBACK, _RULES = "functions.auth.callback", "functions.auth.access_rules"
_ENTRA = "functions.auth.entra_claims"
_CURRENT = "-CURRENT_SECONDS <= identity.issued_at - auth_time <= CLOCKS_SECONDS"
_RETURN_TO = "functions.auth.return_to:safe_return_to"
_EVENT, _FORM = "shared.web.http_api", "shared.parsing.form"
_CLAIM = "shared.store.session_table:SessionTable.claim_transaction"


def _header(name: str) -> str:
    """Return code that reads a header as the client sent it."""
    return f"_text(_mapping(fields.get('headers')).get({name!r}))"


MUTANTS = (
    Mutant("event: headers of whom the client speaks to", f"{_EVENT}:_headers", without("name.lower() not in _NEVER_READ"), f"{EDGE} {EVENT}", "speaks_to lies"),
    Mutant("event: Host decides no URL", f"{_EVENT}:HttpApiRequest.of", instead("base_url=base_url", f"base_url=base_url or ('https://' + {_header('host')} if {_header('host')} else None)"), f"{EDGE} {EVENT}", "poisoned lies"),
    Mutant("event: X-Forwarded-Host decides no URL", f"{_EVENT}:HttpApiRequest.of", instead("base_url=base_url", f"base_url=base_url or ('https://' + {_header('x-forwarded-host')} if {_header('x-forwarded-host')} else None)"), f"{EDGE} {EVENT}", "poisoned lies"),
    Mutant("event: X-Forwarded-Proto decides no URL", f"{_EVENT}:HttpApiRequest.of", instead("base_url=base_url", f"base_url=base_url or ({_header('x-forwarded-proto')} + '://' + context['domainName'] if {_header('x-forwarded-proto')} else None)"), f"{EDGE} {EVENT}", "poisoned lies"),
    Mutant("event: X-Forwarded-For is no address", f"{_EVENT}:HttpApiRequest.of", instead("source_ip=...", f"source_ip={_header('x-forwarded-for')} or _text(http.get('sourceIp'))"), EVENT, "lies"),
    Mutant("event: the domain is API Gateway's", "shared.web.base_url:site_of", without("not _DOMAIN.fullmatch(domain)"), EDGE, "event"),
    Mutant("event: base64 is whole", f"{_EVENT}:_body", without("validate=True"), f"{EVENT} {EVENTS}", "base64"),
    Mutant("event: a body that cannot be read is not an empty one", f"{_EVENT}:_body", instead("return None", "return b''"), f"{EVENT} {EVENTS}", "base64"),
    Mutant("event: a body that cannot be read is refused", "functions.auth.application:_answer", never("http.body is None"), EVENTS, "base64"),
    Mutant("form: parameters come once", f"{_FORM}:parse_query", never("key in parameters"), CALLBACK, "twice"),
    Mutant("form: length of a query", f"{_FORM}:parse_query", never("len(raw) > MAX_QUERY_BYTES"), EDGE, "query"),
    Mutant("form: control characters", f"{_FORM}:_text", never("any(ord(character) < 0x20 or ord(character) == 0x7F for character in text)"), CALLBACK, "NUL control"),
    Mutant("sign-in: issuer of a third party", "functions.auth.sign_in:start_sign_in", never("request.issuer is not None and request.issuer != logto.metadata().issuer"), EDGE, "query"),
    Mutant("return_to begins with a slash", _RETURN_TO, without('not path.startswith("/")'), f"{RETURN_TO} {TARGETS}"),
    Mutant("return_to has no second slash", _RETURN_TO, without('path.startswith("//")'), TARGETS, "other_value"),
    Mutant("return_to has no second slash once it is resolved", _RETURN_TO, without('_resolved(path).startswith("//")'), f"{RETURN_TO} {TARGETS}", "other"),
    Mutant("return_to does not loop", _RETURN_TO, without("_is_forbidden(path, root)"), f"{RETURN_TO} {TARGETS}", "loop becomes_home"),
    Mutant("transaction: bound to a browser", _CLAIM, instead("""f"binding IN ({', '.join(operands)})\"""", """f"attribute_exists(pk) OR binding IN ({', '.join(operands)})\""""), CALLBACK, "browser"),
    Mutant("transaction: claimed once", _CLAIM, instead('row = answer["Attributes"]', 'row = answer["Attributes"]\nself._call("put_item", Item=row)'), CALLBACK, "replayed"),
    Mutant("transaction: a lost claim is not repeated", _CLAIM, never("failed.retried"), TABLE, "redemption"),
    Mutant("transaction: its age", f"{_CALLBACK}:_claim", never("services.clock() >= transaction.started_at + services.limits.transaction_seconds"), CALLBACK, "expired"),
    Mutant("callback: issuer", f"{_CALLBACK}:finish_sign_in", instead("_check_issuer(response, logto.ready())", "logto.ready()"), CALLBACK, "iss"),
    Mutant("callback: issuer if it is announced", f"{_CALLBACK}:_check_issuer", without("not metadata.names_issuer_in_callback"), CALLBACK, "iss"),
    Mutant("callback: a code or an error", f"{_CALLBACK}:parse_callback", instead("(code is None) == (error is None)", "code is None and error is None"), CALLBACK, "error"),
    Mutant("callback: form of the state", f"{_CALLBACK}:parse_callback", instead("not is_secret(state)", "not state"), CALLBACK, "state"),
    Mutant("callback: a new session at every sign-in", "functions.auth.new_session:commit_session", instead("SessionHandle.new(services.random)", "previous or SessionHandle.new(services.random)"), SESSION, "planted"),
    Mutant("callback: the previous session ends", "shared.store.session_table:SessionTable.commit_session", without('*({"Delete": {"Key": key.attributes}} for key in previous)'), f"{SESSION} {SIGN_IN}", "planted another replaces"),
    Mutant("callback: the previous session is not listed any more", "functions.auth.new_session:_previous", without("*listing_keys(listings)"), f"{SESSION} {SIGN_IN}", "planted another replaces"),
    Mutant("callback: a logout while the user is at Logto", "functions.auth.new_session:InFlight.of", instead("max(0.0, min(redeemed_at - transaction.started_at, CODE_SECONDS))", "0.0"), LOGOUT, "at_the_provider"),
    Mutant("callback: a logout longer ago than a code lives", "functions.auth.new_session:InFlight.of", instead("min(redeemed_at - transaction.started_at, CODE_SECONDS)", "redeemed_at - transaction.started_at"), LOGOUT, "code_lives"),
    Mutant("rules: tenants", f"{_RULES}:check_rules", never("settings.allowed_tenants and entra.tenant_id not in settings.allowed_tenants"), RULES, "tenant"),
    Mutant("rules: organizations", f"{_RULES}:check_rules", never("settings.allowed_organizations and not organizations & set(settings.allowed_organizations)"), RULES, "organization"),
    Mutant("rules: roles", f"{_RULES}:check_rules", never("settings.allowed_roles and not roles & set(settings.allowed_roles)"), RULES, "role"),
    Mutant("rules: e-mail domains", f"{_RULES}:check_rules", never("settings.allowed_email_domains and _domain(claims) not in settings.allowed_email_domains"), RULES, "domain"),
    Mutant("rules: a verified address", f"{_RULES}:_domain", without('claims.get("email_verified") is not True'), RULES, "verified"),
    Mutant("rules: one address", f"{_RULES}:_domain", instead('separator and local and "@" not in local', "separator"), RULES, "look_like"),
    Mutant("rules: one tenant for certain", "functions.auth.entra_claims:_current", never("len(current) > 1 and current[-1].issued_at == current[-2].issued_at"), ENTRA, "two_tenants"),
    Mutant("rules: groups that have a name", "functions.auth.entra_claims:_mapped", instead("{name} if name is not None else set()", "{name or value}"), ENTRA, "customer"),
    Mutant("rules: the grant of a user who is kept out", f"{_CALLBACK}:finish_sign_in", instead("(NotAllowed, SignInRefused, RevalidationRequired)", "SignInRefused"), RULES, "a_rule"),
    Mutant("rules: no sign-in without userinfo", f"{_CALLBACK}:_entra_user", never("settings.needs_entra"), RULES, "closed"),
    Mutant("pages escape", "functions.auth.pages.render:_environment", instead("autoescape=True", "autoescape=False"), PAGES),
    Mutant("nothing is cached", "functions.auth.responses:secure_headers", without('"cache-control": "no-store"'), SESSION, "caches"),
    Mutant("metadata: issuer", "shared.oidc.provider:check_metadata", never('document.get("issuer") != f"{endpoint}/oidc"'), PROVIDER, "lies"),
    Mutant("metadata: origin of the endpoints", "shared.oidc.provider:check_metadata", without("not _is_endpoint(url, endpoint)"), PROVIDER, "lies"),
    Mutant("metadata: endpoints are URLs to add to", "shared.oidc.provider:_is_endpoint", instead("check_base(url)", "url"), PROVIDER, "lies"),
    Mutant("metadata: rationed refetches", "shared.oidc.provider:Provider.refetched", always("self._take_refetch()"), PROVIDER, "hundred"),
    Mutant("metadata: age at which it serves no longer", "shared.oidc.provider:Provider.metadata", always("0 <= age < self._limits.metadata_stale_seconds"), PROVIDER, "warm"),
    Mutant("metadata: renewal", "shared.oidc.provider:Provider.metadata", without("0 <= age < self._limits.metadata_fresh_seconds"), PROVIDER, "removed"),
    Mutant("Entra: the issuer is Microsoft's", "functions.auth.entra_claims:_issuer_parts", never("not microsoft and not (local and settings.logto_endpoint.startswith('http://'))"), ENTRA, "than_microsoft"),
    Mutant("Entra: Microsoft's issuer by https", f"{_ENTRA}:_issuer_parts", without("parts.scheme == 'https'"), ENTRA, "than_microsoft"),
    Mutant("Entra: Microsoft's issuer without more in its host", f"{_ENTRA}:_issuer_parts", instead("parts.netloc in LOGIN_HOSTS", "parts.hostname in LOGIN_HOSTS"), ENTRA, "than_microsoft"),
    Mutant("Entra: Microsoft's issuer without more in its path", f"{_ENTRA}:_issuer_parts", without("microsoft = microsoft and parts.path == f'/{matched[\"tenant\"]}'"), ENTRA, "than_microsoft"),
    Mutant("Entra: the stand-in beside a Logto that is real", f"{_ENTRA}:_issuer_parts", without("settings.logto_endpoint.startswith('http://')"), ENTRA, "than_microsoft stand_in"),
    Mutant("Entra: the stand-in is on this machine", f"{_ENTRA}:_issuer_parts", without("is_plain_http_host(parts.hostname)"), ENTRA, "than_microsoft stand_in"),
    Mutant("Entra: when a token was issued is a number", f"{_ENTRA}:_microsoft_identities", without("isinstance(issued_at, bool)"), ENTRA, "than_microsoft"),
    Mutant("Entra: the tenant is the issuer's", "functions.auth.entra_claims:_microsoft_identities", without("str(detail.get('tid')).lower() != parts[1]"), ENTRA, "than_microsoft"),
    Mutant("Entra: the token's own issuer", "functions.auth.entra_claims:_microsoft_identities", without("detail.get('iss', entry['issuer']) != entry['issuer']"), ENTRA, "than_microsoft"),
    Mutant("Entra: what is stored is not current", "functions.auth.entra_claims:_current", instead("-CURRENT_SECONDS <= identity.issued_at - auth_time <= CLOCKS_SECONDS", "True"), ENTRA, "vouched"),
    Mutant("Entra: a token of an earlier sign-in", f"{_ENTRA}:_current", instead(_CURRENT, "identity.issued_at - auth_time <= CLOCKS_SECONDS"), ENTRA, "vouched"),
    Mutant("Entra: a token of a later sign-in", f"{_ENTRA}:_current", instead(_CURRENT, "-CURRENT_SECONDS <= identity.issued_at - auth_time"), ENTRA, "vouched"),
    Mutant("Entra: nothing is current without auth_time", f"{_ENTRA}:_current", instead("if auth_time is None:\n    return None", "if auth_time is None:\n    return identities[-1]"), ENTRA, "without_auth_time"),
    Mutant("Entra: the tenant that this sign-in came from", f"{_ENTRA}:_current", instead("current[-1] if current else None", "current[0] if current else None"), ENTRA, "two_tenants"),
    Mutant("Entra: a mapping that names its tenant", f"{_ENTRA}:_mapped", instead('mapping.get(f"{identity.tenant}/{value}")', "mapping.get(value) or next((mapping[name] for name in mapping if name.endswith(f'/{value}')), None)"), ENTRA, "customer"),
    Mutant("Entra: a proof is when Entra vouched", f"{_ENTRA}:authenticated_at", instead("(entra.vouched_at, auth_time)", "(auth_time,)"), ENTRA, "never_later"),
    Mutant("Entra: a proof is not of the future", f"{_ENTRA}:authenticated_at", instead("(*proofs, now)", "proofs"), ENTRA, "never_later"),
    Mutant("Entra: Logto says when the user signed in", "functions.auth.sign_in:_max_age", instead('{"max_age": str(MAX_AGE_SECONDS)} if settings.uses_entra else {}', "{}"), RULES, "a_rule"),
    Mutant("Entra: mappings of another tenant", "functions.auth.entra_claims:_mapped", instead("settings.allowed_tenants == (identity.tenant,)", "True"), ENTRA, "customer"),
    Mutant("Entra: a proof is never newer than the sign-in", "functions.auth.entra_claims:authenticated_at", instead("(entra.vouched_at, auth_time)", "(entra.vouched_at,)"), ENTRA, "never_later"),
    Mutant("re-validation: an old proof is no sign-in", f"{_CALLBACK}:finish_sign_in", without("_check_freshness(...)"), REVALIDATION),
    Mutant("re-validation: one round", f"{_CALLBACK}:_check_freshness", never("transaction.reauthenticates"), REVALIDATION),
    Mutant("settings: mappings name their tenant", "shared.settings_rules:_check_tenants", always("len(settings.allowed_tenants) == 1"), SETTINGS, "tenant"),
)  # fmt: skip
