"""Guards of sessions: cookies, timeouts, re-authentication, sign-out, leases and refreshes."""

from tests.mutants.edits import always, becomes, instead, never, without
from tests.mutants.mutant import Mutant
from tests.mutants.suites import (
    AUTHORIZER,
    EVERYWHERE,
    LEAVE,
    LOGOUT,
    PROVIDER,
    REFRESH,
    REVALIDATION,
    SESSION,
    SIGN_OUT,
    STORE,
    TABLE,
    TIME,
)

_SESSIONS, _COOKIES = "shared.sessions", "shared.web.cookies:Cookies"
_TABLE, _LEASE = "shared.store.session_table:SessionTable", "shared.store.refresh_lease"
_SIGN_OUT, _ROUTE = "functions.auth.sign_out", "functions.auth.routes.sign_out"
_DELIBERATE = "functions.auth.request:BrowserRequest.is_deliberate_navigation"
_REFRESH, _REDEMPTION = (
    "functions.authorizer.token_refresh:_Refresh",
    "functions.authorizer.token_refresh:_Redemption",
)
_LIVES = '"attribute_exists(pk) OR attribute_not_exists(pk)"'
"""A condition that always holds."""

MUTANTS = (
    Mutant("cookie: one session", f"{_COOKIES}.session", instead("len(handles) == 1", "handles"), SESSION, "signed_out"),
    Mutant("cookie: its form", f"{_COOKIES}.sessions", without("is_secret(value)"), SESSION, "signed_in"),
    Mutant("cookie: its name", f"{_COOKIES}.sessions", instead("name == self.session_name", "name.lower() == self.session_name.lower()"), SESSION, "signed_out"),
    Mutant("cookie: Secure", f"{_COOKIES}._render", instead('"; Secure" if self.secure else ""', '""'), SESSION, "attributes"),
    Mutant("cookie: HttpOnly", f"{_COOKIES}._render", instead('"; HttpOnly; SameSite=Lax"', '"; SameSite=Lax"'), SESSION, "attributes"),
    Mutant("cookie: SameSite", f"{_COOKIES}._render", instead('"; HttpOnly; SameSite=Lax"', '"; HttpOnly; SameSite=None"'), SESSION, "attributes"),
    Mutant("idle timeout", f"{_SESSIONS}:_alive", instead("now >= min(end, seen_at + settings.session_idle_seconds)", "now >= end"), SESSION, "timeout"),
    Mutant("absolute timeout", f"{_SESSIONS}:_alive", instead("now >= min(end, seen_at + settings.session_idle_seconds)", "now >= seen_at + settings.session_idle_seconds"), SESSION, "timeout"),
    Mutant("lifetime as it was at the sign-in", f"{_SESSIONS}:ends_at", instead("min(session.ends_at, session.signed_in_at + settings.session_absolute_seconds)", "session.signed_in_at + settings.session_absolute_seconds"), LOGOUT, "longer"),
    Mutant("idle extension: its condition", "shared.store.dynamodb:TableClient.update", without("ConditionExpression=condition"), TABLE, "resurrects"),
    Mutant("idle extension: one that found nothing", f"{_SESSIONS}:_alive", instead("not _touched(handle.key, services, now=now, end=end)", "_touched(handle.key, services, now=now, end=end) is None"), TABLE, "resurrects"),
    Mutant("session: consistent reads", "shared.store.dynamodb:TableClient.get", instead("ConsistentRead=True", "ConsistentRead=False"), TABLE, "logout"),
    Mutant("session: a commit recognises its success", f"{_TABLE}.commit_session", never("item_exists(self._call, item.key)"), f"{TABLE} {STORE}"),
    Mutant("re-validation: when it is due", f"{_SESSIONS}:is_due", instead("0 < settings.revalidate_seconds <= now - (session.authenticated_at or 0)", "False"), REVALIDATION),
    Mutant("re-validation: nothing is served while it is due", f"{_SESSIONS}:required", never("live.revalidation_due"), REVALIDATION),
    Mutant("re-validation: the grace", f"{_SESSIONS}:ends_at", instead("min(latest, proven_until + settings.revalidate_grace_seconds)", "latest"), REVALIDATION, "grace"),
    Mutant("re-validation: no extension while it is due", f"{_SESSIONS}:_alive", without("not due"), REVALIDATION, "extended"),
    Mutant("re-validation: Entra is asked again", "shared.web.base_url:Site.revalidation_path", without('"prompt": "login"'), REVALIDATION),
    Mutant("sign-out: origin of a form", f"{_ROUTE}:sign_out_by_form", never("not browser.is_same_origin"), SIGN_OUT, "post"),
    Mutant("sign-out: origin of a link", _DELIBERATE, without("not self.is_same_origin"), SIGN_OUT, "link"),
    Mutant("sign-out: a prefetch", _DELIBERATE, without("self.is_prefetch"), LEAVE, "prefetch"),
    Mutant("sign-out: every cookie's session", f"{_ROUTE}:_end", instead("browser.sessions", "browser.sessions[:1]"), SIGN_OUT, "every_session"),
    Mutant("sign-out: the grant is revoked", f"{_SIGN_OUT}:sign_out", without("revoke_grant(session.storage, services)"), PROVIDER, "revocation"),
    Mutant("sign-out: sessions before Logto", f"{_SIGN_OUT}:sign_out", instead("ended += [session] if session is not None else []", "if session is not None:\n    revoke_grant(session.storage, services)"), TIME, "before_logto"),
    Mutant("sign-out: Logto's part of the time (revocation)", f"{_SIGN_OUT}:revoke_grant", instead("services.within(services.limits.sign_out_provider_seconds)", "services"), TIME, "revocation"),
    Mutant("sign-out: Logto's part of the time (end of session)", f"{_SIGN_OUT}:sign_out", instead("services.within(services.limits.sign_out_provider_seconds)", "services"), TIME, "end_of_session"),
    Mutant("sign-out: listings are deleted", f"{_SIGN_OUT}:_ended", without("_unlist(session, handle.key, services)"), TIME, "listing"),
    Mutant("sign-out: the session that asks goes last", "shared.revocation:end_subject", without("i.session != spared"), EVERYWHERE, "failing"),
    Mutant("cross-site: unsafe methods at the authorizer", "functions.authorizer.cookie:cookie_context", never("request.may_be_forged"), AUTHORIZER, "unsafe"),
    Mutant("cross-site: origin", "shared.web.base_url:Site.is_initiator", never("origin and origin != self.origin"), f"{AUTHORIZER} {SIGN_OUT}", "unsafe post"),
    Mutant("cross-site: Fetch Metadata", "shared.web.base_url:Site.is_initiator", instead('fetch_site in ("", "none", "same-origin")', "True"), f"{AUTHORIZER} {SIGN_OUT}", "unsafe post"),
    Mutant("lease: one holder", f"{_LEASE}:LEASE_FREE", becomes('"attribute_exists(pk)"'), STORE, "lease"),
    Mutant("lease: no row, no lease", f"{_LEASE}:LEASE_FREE", becomes('"attribute_not_exists(lease_until) OR lease_until <= :now"'), STORE, "nothing"),
    Mutant("lease: a former holder has no say", f"{_LEASE}:LEASE_MINE", becomes('"attribute_exists(pk) AND (attribute_exists(pk) OR lease_owner = :owner)"'), STORE, "old_holder"),
    Mutant("lease: nothing resurrects a session", f"{_LEASE}:LEASE_MINE", becomes('"attribute_not_exists(pk) OR lease_owner = :owner"'), STORE, "brings"),
    Mutant("lease: its own success", f"{_LEASE}:RefreshLeases.take_lease", always('row.get("lease_owner", {}).get("S") != lease.owner'), STORE, "lost"),
    Mutant("lease: the success of a refresh", f"{_LEASE}:RefreshLeases.finish", never("self._refreshed_by(key, owner)"), STORE, "finish"),
    Mutant("lease: a holder that never said", f"{_LEASE}:RefreshLeases.take_lease", instead('row["taken_from"]["S"] != _NO_OWNER', "False"), f"{STORE} {REFRESH}", "lapsed lost_after"),
    Mutant("lease: listings end with the session", f"{_LEASE}:RefreshLeases.end", without("*others"), STORE, "listing"),
    Mutant("lease: a rest after a failure", f"{_REFRESH}._back_off", instead("self.services.clock() + self.services.limits.refresh_backoff_seconds", "self.services.clock()"), REFRESH, "moment"),
    Mutant("lease: none is taken when time is short", f"{_REFRESH}.token", instead("self.services.deadline.left() < limits.lease_needs_seconds", "False"), REFRESH, "no_time"),
    Mutant("lease: a slow holder revokes nothing of another's", f"{_REFRESH}._finish", instead("self._check_taken_over(refreshed.storage)", "self._revoke(refreshed.storage)"), REFRESH, "slow_holder"),
    Mutant("lease: a slow holder keeps no rotated token", f"{_REDEMPTION}._persist", never("not stored"), REFRESH, "slow_holder"),
    Mutant("lease: a slow holder ends no session of another's", f"{_REFRESH}._ended", always("self.services.leases().end(...)"), REFRESH, "won"),
    Mutant("refresh: a session that ended meanwhile takes its grant along", f"{_REFRESH}._check_taken_over", without("self._revoke(storage)"), REFRESH, "takes_its"),
    Mutant("refresh: a session that ended meanwhile is over", f"{_REFRESH}._check_taken_over", without("raise"), REFRESH, "takes_its"),
    Mutant("refresh: an unknown outcome stays unknown", f"{_REFRESH}._redeem", instead("not leased.outcome_unknown", "True"), REFRESH, "lost credentials"),
    Mutant("refresh: a failure before the answer settles nothing", f"{_REFRESH}._redeem", instead("outcome_known=outcome_known", "outcome_known=True"), REFRESH, "credentials"),
    Mutant("refresh: none is begun when time is short", f"{_REFRESH}._redeem", never("self.services.deadline.left() < self.services.limits.redeem_needs_seconds"), REFRESH, "no_time"),
    Mutant("refresh: a spent token is not sent", f"{_REDEMPTION}.check_active", never("not redeemable"), REFRESH, "lost_after says"),
    Mutant("refresh: a rotated token is stored first", "shared.oidc.logto:Logto.refresh.check", without("persist(...)"), REFRESH, "dies"),
    Mutant("refresh: storing a rotated token has time of its own", f"{_REDEMPTION}._persist", instead("self.refresh.services.begin(self.refresh.services.limits.persist_seconds)", "self.refresh.services"), TIME, "rotated"),
)  # fmt: skip
