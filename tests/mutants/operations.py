"""Guards of operators' tools, of the deployment, of logs, and of the local stack."""

from tests.mutants.edits import always, instead, never, together, without
from tests.mutants.mutant import Mutant, Text
from tests.mutants.suites import (
    ADMIN,
    BAD_INPUT,
    CONSOLE,
    FILES,
    OBSERVER,
    PERMISSIONS,
    RELAY,
    SETUP,
    SNAPSHOT,
    TEARDOWN,
)

_APPLICATION, _CONNECTOR, _ENTRA = (
    "provision.steps.application",
    "provision.steps.connector",
    "provision.steps.registration",
)
_TEARDOWN, _RELAY = "provision.teardown", "local.relay"
_PROOF, _RECENT = (
    "functions.admin.caller:CallerCheck._parameters",
    "functions.admin.caller:_is_recent",
)

MUTANTS = (
    Mutant("setup: metadata of others stays", f"{_APPLICATION}:_metadata", without("**before"), SETUP, "keeps"),
    Mutant("setup: takes no application of others", f"{_APPLICATION}:find_application", never('application.get("name") == product.name'), BAD_INPUT, "same_name"),
    Mutant("setup: another product's back-channel", f"{_APPLICATION}:_update", without("_check_backchannel(...)"), SETUP, "back_channel"),
    Mutant("setup: takes no connector of others", f"{_CONNECTOR}:_check_own", never('found.get("providerName") != PROVIDER or not (same or known)'), BAD_INPUT, "taken"),
    Mutant("setup: takes no connector made by hand", f"{_CONNECTOR}:_check_registered", never("client_id not in ours"), SETUP, "by_hand"),
    Mutant("setup: domains of others stay", "provision.steps.connector_members:members_of", without("*domains"), SETUP, "keeps"),
    Mutant("setup: unused secrets go", f"{_ENTRA}:remove_other_secrets", never('password.get("displayName") == SECRET_NAME and password.get("hint") != used[:3]'), SETUP, "ends_soon"),
    Mutant("setup: secrets of others stay", f"{_ENTRA}:remove_other_secrets", without('password.get("displayName") == SECRET_NAME'), SETUP, "its_own"),
    Mutant("setup: patience with Graph", f"{_ENTRA}:_patiently", instead("refusal.status not in (400, 404)", "True"), SETUP, "repeats"),
    Mutant("setup: issuer without a slash", "provision.microsoft:check_issuer", never('issuer.endswith("/")'), BAD_INPUT, "slash"),
    Mutant("setup: issuer is what it says", "provision.microsoft:check_issuer", never("published != issuer"), BAD_INPUT, "issuer"),
    Mutant("setup: public mail domains", "provision.desired", never("name in PUBLIC_MAIL"), BAD_INPUT, "public"),
    Mutant("setup: a dry run changes nothing", "provision.run:Run.apply", never("self.dry_run"), SETUP, "dry_run"),
    Mutant("setup: a dry run keeps no record", "provision.run:Run.save_record", instead("not self.dry_run", "True"), SETUP, "dry_run"),
    Mutant("setup: a .env for its owner", "provision.files:write_env", instead("mode=OWNER_ONLY", "mode=None"), FILES, "owner"),
    Mutant("teardown: webhooks of others stay", "provision.steps.hook:is_made", instead('str(hook.get("name") or "").endswith(product.marker)', "True"), TEARDOWN, "by_hand"),
    Mutant("teardown: single sign-on that others need", f"{_TEARDOWN}:_switch_off_single_sign_on", without("not others"), TEARDOWN, "only_what"),
    Mutant("teardown: a connector that others use", f"{_TEARDOWN}:_disconnect", never("others"), TEARDOWN, "another_deployment"),
    Mutant("teardown: an application that is needed", f"{_TEARDOWN}:_disconnect", without('one["appId"] not in in_use'), TEARDOWN, "another_connector_uses"),
    Mutant("teardown: changed settings stay", f"{_TEARDOWN}:_holds_application", without("app_id == record.written_env.get('LOGTO_APP_ID')"), TEARDOWN, "changed"),
    Mutant("operator: the proof of who calls", "functions.admin.application:_act", instead('identify(event.get("caller"), services)', '"anybody"'), ADMIN, "proves"),
    Mutant("operator: a proof asks for an identity alone", "functions.admin.caller:CallerCheck._parameters", always("is_proof"), ADMIN, "proves regions"),
    Mutant("operator: a proof is for STS", _PROOF, without("origin in self._origins"), ADMIN, "proves"),
    Mutant("operator: a proof names nobody before the host", _PROOF, without('"@" not in parts.netloc'), ADMIN, "proves"),
    Mutant("operator: a proof is for no other path", _PROOF, without('parts.path in ("", "/")'), ADMIN, "proves"),
    Mutant("operator: a proof says things once", _PROOF, without("len(named) == len(query)"), ADMIN, "proves"),
    Mutant("operator: a proof says nothing else", _PROOF, without("named.keys() - _OPTIONAL == _FIXED.keys() | _VARYING"), ADMIN, "proves"),
    Mutant("operator: a proof is for this purpose", _PROOF, without("_FIXED.items() <= named.items()"), ADMIN, "proves another_purpose"),
    Mutant("operator: a proof is for this function", "functions.admin.caller", together(without('"X-Amz-SignedHeaders": f"host;{AUDIENCE_HEADER}"'), instead('{"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Signature"}', '{"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Signature", "X-Amz-SignedHeaders"}')), ADMIN, "another_purpose"),
    Mutant("operator: age of a proof", _RECENT, without("abs(now - signed_at) <= PROOF_SECONDS"), ADMIN, "two_minutes"),
    Mutant("operator: lifetime of a proof", _RECENT, without("int(seconds) <= PROOF_SECONDS"), ADMIN, "another_purpose"),
    Mutant("operator: nothing but sessions", "functions.admin.actions:end_session", instead("""f"session#{_id(event, 'session')}\"""", '_id(event, "session")'), ADMIN, "ending"),
    Mutant("operator: a cursor belongs to its list", "functions.admin.cursors:position_of", instead('check == digest("cursor", list_id, position)', "True"), ADMIN, "malformed"),
    Mutant("permissions: the authorizer makes no session", "template.yaml", Text('{ dynamodb:LeadingKeys: ["token#*"] }', '{ dynamodb:LeadingKeys: ["token#*", "session#*"] }'), PERMISSIONS, "must_not"),
    Mutant("permissions: a refresh changes no more than it should", "template.yaml", Text("seen_at, expires_at, lease_owner,", "seen_at, expires_at, began_at, lease_owner,"), PERMISSIONS, "must_not"),
    Mutant("permissions: nothing sealed is read to end sessions", "shared.store.revocation_table:RevocationTable.read_sessions", without("ProjectionExpression=_NOT_SEALED"), PERMISSIONS, "journey"),
    Mutant("snapshot: no connection", "shared.snap_start:on_snapshots.before", without("services.close_connections()"), SNAPSHOT, "no_connection"),
    Mutant("snapshot: metadata", "shared.snap_start:on_snapshots.before", without("_fetch_metadata(...)"), SNAPSHOT, "metadata"),
    Mutant("log: problems are counted", "shared.observability:Observer.problem", without("self.count(...)"), OBSERVER, "operator"),
    Mutant("log: exceptions without their text", "shared.observability:Observer.fault", instead("type(failure).__name__", "repr(failure)"), OBSERVER),
    Mutant("relay: a forged header is overwritten", f"{_RELAY}:Relay._headers", never('mapping.action != "append"'), RELAY, "forge cookies"),
    Mutant("relay: reserved headers", f"{_RELAY}:_mapping", never("_RESERVED.fullmatch(header)"), RELAY, "reserved"),
    Mutant("relay: a denial", "local.authorizers:authorize", never('not answer["isAuthorized"]'), RELAY, "denied"),
    Mutant("relay: nobody is asked without what identifies", "local.authorizers:authorize", never("not all(sources)"), RELAY, "identifies"),
    Mutant("relay: forms of the console", "local.logto.console:_own_form", never('request.headers.get("origin", state.url) != state.url'), CONSOLE, "another_site"),
)  # fmt: skip
