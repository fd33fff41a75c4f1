"""Guards of what Logto says of a user: ID tokens, access tokens, userinfo, and the SDK."""

from tests.mutants.edits import always, instead, never, without
from tests.mutants.mutant import Mutant
from tests.mutants.suites import AUTHORIZER, BEARER, PROVIDER, REFRESH, RULES, SDK, TOKEN

_ID, _CLAIMS, _LIFETIME = (
    "shared.oidc.id_token:check_id_token",
    "shared.oidc.id_token:check_claims",
    "shared.oidc.id_token:check_lifetime",
)
_LOGTO, _SDK = "shared.oidc.logto:Logto", "shared.oidc.sdk"
_JSON = "shared.parsing.strict_json"
_BEARER = "functions.authorizer.bearer_token:_checked"

MUTANTS = (
    Mutant("ID token: nonce", _CLAIMS, never('not _equal(claims.get("nonce"), expected.nonce)'), TOKEN, "nonce"),
    Mutant("ID token: issuer", _CLAIMS, never('claims.get("iss") != issuer'), TOKEN, "iss"),
    Mutant("ID token: audience", _CLAIMS, never("audience != expected.client_id and audience != [expected.client_id]"), TOKEN, "aud"),
    Mutant("ID token: authorized party", _CLAIMS, never('"azp" in claims and claims["azp"] != expected.client_id'), TOKEN, "azp"),
    Mutant("ID token: subject", _CLAIMS, never("not is_identifier(subject)"), TOKEN, "sub"),
    Mutant("ID token: expiry", _LIFETIME, never("expires <= now - CLOCK_SKEW_SECONDS"), TOKEN, "expired"),
    Mutant("ID token: issued in the future", _LIFETIME, never("issued > now + CLOCK_SKEW_SECONDS"), TOKEN, "iat"),
    Mutant("ID token: issued before the sign-in", _CLAIMS, never('_time(claims, "iat") < expected.issued_after - CLOCK_SKEW_SECONDS'), TOKEN, "iat"),
    Mutant("ID token: plausible lifetime", _LIFETIME, never("expires <= issued or expires - issued > MAX_LIFETIME_SECONDS"), TOKEN, "exp"),
    Mutant("ID token: not before", _LIFETIME, never('claims.get("nbf") is not None and _time(claims, "nbf") > now + CLOCK_SKEW_SECONDS'), TOKEN, "nbf"),
    Mutant("ID token: times are numbers", "shared.oidc.id_token:_time", never("isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15"), TOKEN, "claim"),
    Mutant("ID token: hash of the access token", _ID, without("_check_access_token_hash(...)"), TOKEN, "at_hash"),
    Mutant("ID token: not a logout token", _ID, never('"events" in claims'), TOKEN, "events"),
    Mutant("ID token: type", _ID, never('str(header.get("typ", "JWT")).upper() != "JWT"'), TOKEN, "typ"),
    Mutant("ID token: keys in its header", "shared.oidc.id_token:_header", never("any(name in header for name in _REFUSED_HEADERS)"), TOKEN, "forgery"),
    Mutant("ID token: announced algorithms", "shared.oidc.id_token:verify_signature", never("algorithm not in metadata.algorithms"), TOKEN, "announced"),
    Mutant("ID token: one key", "shared.oidc.id_token:_key_for", instead("len(suitable) != 1", "not suitable"), TOKEN, "kid"),
    Mutant("ID token: there is one", f"{_LOGTO}.redeem.check", never("response.id_token is None"), PROVIDER, "id_token"),
    Mutant("ID token: checked before tokens are kept", f"{_SDK}:Client._handleTokenResponse", never("self._check is not None"), TOKEN, "claim forgery"),
    Mutant("refreshed ID token: its subject", f"{_LOGTO}.refresh.check", never("response.id_token is not None and not _same_user(response.id_token, original)"), REFRESH, "identity"),
    Mutant("refreshed ID token: its claims", f"{_LOGTO}._refreshed_id_token", without("self._checked(...)"), REFRESH, "identity"),
    Mutant("userinfo of another user", f"{_LOGTO}.userinfo", never('claims.get("sub") != subject'), RULES, "closed"),
    Mutant("type of the token response", "shared.oidc.token_response:read_tokens", never('str(body.get("token_type", "")).lower() != "bearer"'), PROVIDER, "token_type"),
    Mutant("members named twice", f"{_JSON}:_unique", never("len(members) != len(pairs)"), TOKEN, "twice"),
    Mutant("halves of characters", f"{_JSON}:parse_json_object", never("_SURROGATE.search(text)"), PROVIDER, "half"),
    Mutant("SDK: it loads no HTTP library", _SDK, instead('_without("aiohttp")', '_without("nothing_of_this_name")'), SDK, "library"),
    Mutant("SDK: others can load that library", f"{_SDK}:_without", without("del sys.modules[module]"), SDK, "library"),
    Mutant("SDK: it never waits", f"{_SDK}:_completed", instead("raise RuntimeError(...)", "return None"), SDK, "waits"),
    Mutant("SDK: it has no secret", f"{_SDK}:sdk_config", instead("appSecret=None", "appSecret=settings.logto_app_secret or 's3cret'"), SDK, "secret"),
    Mutant("bearer: type of the token", _BEARER, never('str(header.get("typ", "")).upper() not in _TYPES'), BEARER, "typ"),
    Mutant("bearer: issuer", _BEARER, never('claims.get("iss") != metadata.issuer'), BEARER, "iss"),
    Mutant("bearer: audience", _BEARER, never("not isinstance(audience, str) or audience not in resources"), BEARER, "aud resource"),
    Mutant("bearer: subject", _BEARER, never("not is_identifier(subject)"), BEARER, "sub"),
    Mutant("bearer: lifetime", _BEARER, without("check_lifetime(...)"), BEARER, "exp iat nbf"),
    Mutant("bearer: form of the header", "functions.authorizer.bearer_token:check_bearer", instead("_BEARER.fullmatch(authorization)", "_BEARER.match(authorization)"), BEARER, "saved_by"),
    Mutant("bearer: a cookie makes up for nothing", "functions.authorizer.application:_context", always("request.authorization is None"), f"{BEARER} {AUTHORIZER}", "saved_by makes_up"),
    Mutant("bearer: answers that are cached by cookie", "functions.authorizer.application:_context", never("request.is_cached_without_bearer"), BEARER, "kept_by"),
    Mutant("bearer: the resource of the route", "functions.authorizer.bearer_token:bearer_context", always("target is None"), BEARER, "route"),
)  # fmt: skip
