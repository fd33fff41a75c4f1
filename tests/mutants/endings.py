"""Guards of what ends sessions from outside: logout tokens, webhooks, markers, and listings."""

from tests.mutants.edits import always, becomes, instead, never, together, without
from tests.mutants.mutant import Mutant
from tests.mutants.suites import ADMIN, HOOKS, KEYS, LOGOUT, QUEUE, STORE

_TOKEN, _POST = (
    "functions.notifications.logout_token:check_logout_token",
    "functions.notifications.backchannel_logout",
)
_HOOK, _ENDINGS = "functions.notifications.webhooks", "shared.revocation"
_MARKERS, _COMMIT = "shared.store.revocation_table", "shared.store.session_table"
_CARRY_OUT, _NOTE = (
    "functions.notifications.revocation_request:carry_out",
    "if guard is not None:\n    owner = base64url.encode(services.random(12))\n"
    "    revocations.put_once(guard, owner, expires_at=int(services.clock()) + REPLAY_SECONDS)",
)
_ANYTHING = '"attribute_not_exists(nothing)"'

MUTANTS = (
    Mutant("logout token: its type", _TOKEN, never('str(header.get("typ", "")).upper() not in _TYPES'), LOGOUT, "typ"),
    Mutant("logout token: its issuer", _TOKEN, never('claims.get("iss") != metadata.issuer'), LOGOUT, "iss"),
    Mutant("logout token: its audience", _TOKEN, never('claims.get("aud") not in (client_id, [client_id])'), LOGOUT, "aud"),
    Mutant("logout token: its lifetime", _TOKEN, without("check_lifetime(...)"), LOGOUT, "expired"),
    Mutant("logout token: its age", _TOKEN, never('claims["iat"] < now - MAX_AGE_SECONDS - CLOCK_SKEW_SECONDS'), LOGOUT, "ago"),
    Mutant("logout token: its event", _TOKEN, never("not isinstance(events, dict) or not isinstance(events.get(EVENT), dict)"), LOGOUT, "events"),
    Mutant("logout token: no nonce", _TOKEN, never('"nonce" in claims'), LOGOUT, "nonce"),
    Mutant("logout token: no nonce of null", _TOKEN, instead('"nonce" in claims', 'claims.get("nonce") is not None'), LOGOUT, "null"),
    Mutant("logout token: whom it names", _TOKEN, never("subject is None and op_session is None"), LOGOUT, "neither"),
    Mutant("logout token: its id", _TOKEN, never("token_id is None"), LOGOUT, "jti"),
    Mutant("logout token: form of a name", "functions.notifications.logout_token:_name", never("not is_identifier(value)"), LOGOUT, "sub sid jti"),
    Mutant("logout token: it comes as a form", f"{_POST}:_posted_token", never('message.content_type != "application/x-www-form-urlencoded"'), LOGOUT, "posts"),
    Mutant("logout token: a form that cannot be read", f"{_POST}:_posted_token", never("message.body is None"), LOGOUT, "posts"),
    Mutant("logout token: a replay ends nothing", _CARRY_OUT, never("guard is not None and revocations.exists(guard)"), LOGOUT, "replayed"),
    Mutant("logout token: a used one is noted", _CARRY_OUT, instead("revocations.put_once(guard, owner, expires_at=expires_at)", "True"), LOGOUT, "replayed"),
    Mutant("logout token: a failed one is not used up", _CARRY_OUT, together(without("owner = base64url.encode(services.random(12))"), instead("count = _end(request, services)", f"{_NOTE}\ncount = _end(request, services)")), LOGOUT, "failing"),
    Mutant("logout token: an outage of the keys is no refusal", f"{_POST}:_checked", instead("provider.refetched_or_unavailable", "provider.refetched"), LOGOUT, "new_keys"),
    Mutant("logout token: rationed refetches", "shared.oidc.provider:Provider.refetched_or_unavailable", never("not self._take_refetch()"), f"{LOGOUT} {KEYS}", "hundred without_one_left"),
    Mutant("messages are posted", "functions.notifications.application:_answer", never('message.method != "POST"'), f"{LOGOUT} {HOOKS}", "posts events"),
    Mutant("ending: a marker of the subject", f"{_ENDINGS}:end_subject", without("revocations.mark_subject(...)"), LOGOUT, "between"),
    Mutant("ending: a marker of the session at Logto", f"{_ENDINGS}:end_op_session", without("revocations.mark_op_session(...)"), LOGOUT, "between"),
    Mutant("ending: what began later goes on", f"{_ENDINGS}:end_subject", without("i.began_at <= until"), LOGOUT, "spares"),
    Mutant("ending: a sid of another subject", f"{_ENDINGS}:end_op_session", always("listing.other_owner == owner"), LOGOUT, "names"),
    Mutant("ending: sessions before their listings", f"{_ENDINGS}:_end", together(without("revocations.delete_listings(part)"), instead("revocations.delete_sessions(keys)", "revocations.delete_listings(part)\nrevocations.delete_sessions(keys)")), LOGOUT, "failing"),
    Mutant("ending: listings are deleted", f"{_ENDINGS}:_end", without("revocations.delete_listings(part)"), ADMIN, "erasing"),
    Mutant("ending: both listings of a session", "shared.store.keys:listing_keys", without("*others"), STORE, "listing"),
    Mutant("ending: a marker stays the later one", f"{_MARKERS}:NO_LATER_MARKER", becomes(_ANYTHING), STORE, "marker"),
    Mutant("ending: what reaches further is not shortened", f"{_MARKERS}:ENDED_EARLIER", becomes(_ANYTHING), STORE, "marker late"),
    Mutant("ending: what arrived later is not taken back", f"{_MARKERS}:ARRIVED_EARLIER", becomes(_ANYTHING), f"{STORE} {QUEUE}", "late later_logout"),
    Mutant("ending: a late logout may reach further", f"{_MARKERS}:RevocationTable.mark_subject", without('self._raise(key, f"{change}, ended_before = :ended_before", ENDED_EARLIER, {**values, **ended})'), STORE, "late"),
    Mutant("ending: a later arrival counts", f"{_MARKERS}:RevocationTable.mark_subject", without('self._raise(key, f"{change}, arrived_at = :arrived_at", ARRIVED_EARLIER, {**values, **arrived})'), f"{STORE} {LOGOUT}", "further hides"),
    Mutant("ending: a marker that lapsed is not half there", f"{_MARKERS}:RevocationTable._raise", never("failed.found is None"), STORE, "lapses"),
    Mutant("ending: a marker of any subject stays one", f"{_MARKERS}:NOT_FOR_ALL", becomes(_ANYTHING), STORE, "logto"),
    Mutant("ending: a guard knows itself again", f"{_MARKERS}:RevocationTable.put_once", instead('(failed.found or {}).get("owner", {}).get("S") == owner', "False"), STORE, "guard"),
    Mutant("ending: a commit meets the subject's marker", f"{_COMMIT}:SUBJECT_NOT_ENDED", becomes('"attribute_not_exists(pk) OR ended_before < :authenticated OR attribute_exists(pk) OR arrived_at <= :in_flight_since"'), f"{STORE} {LOGOUT}", "marker between"),
    Mutant("ending: this second is over", f"{_COMMIT}:SUBJECT_NOT_ENDED", becomes('"attribute_not_exists(pk) OR ended_before <= :authenticated OR arrived_at <= :in_flight_since"'), STORE, "marker"),
    Mutant("ending: a commit meets the marker of Logto's session", f"{_COMMIT}:OP_SESSION_NOT_ENDED", becomes('"attribute_not_exists(pk) OR attribute_exists(pk) OR contains(subjects, :subject)"'), STORE, "logto"),
    Mutant("webhook: form of a signature", f"{_HOOK}:_signed_body", never("not _SIGNATURE.fullmatch(given)"), HOOKS, "signature"),
    Mutant("webhook: the signature", f"{_HOOK}:_signs", instead("hmac.compare_digest(...)", "True"), HOOKS, "signature"),
    Mutant("webhook: a signature that no key made", f"{_HOOK}:_signed_body", never("renewed is None or not _signs(renewed, body, given)"), HOOKS, "signature"),
    Mutant("webhook: a rotated key", f"{_HOOK}:_signed_body", instead("key.renewed(...)", "None"), HOOKS, "rotated"),
    Mutant("webhook: when the event was", f"{_HOOK}:judge_webhook", instead("min(created_at(event), int(arrived_at) + CLOCK_SKEW_SECONDS)", "int(arrived_at) + CLOCK_SKEW_SECONDS"), HOOKS, "replay"),
    Mutant("webhook: Logto's clock may be ahead", f"{_HOOK}:judge_webhook", instead("int(arrived_at) + CLOCK_SKEW_SECONDS", "int(arrived_at)"), HOOKS, "ahead"),
    Mutant("webhook: an event of the future", f"{_HOOK}:judge_webhook", instead("min(created_at(event), int(arrived_at) + CLOCK_SKEW_SECONDS)", "created_at(event)"), HOOKS, "future"),
    Mutant("webhook: a lifted suspension", f"{_HOOK}:locked_out", never('not data["isSuspended"]'), HOOKS, "ends_nothing"),
    Mutant("webhook: a time has a zone", f"{_HOOK}:created_at", without("moment.tzinfo is None"), HOOKS, "zone"),
    Mutant("webhook: form of a user's id", f"{_HOOK}:locked_out", never("not is_identifier(user)"), HOOKS, "malformed"),
)  # fmt: skip
