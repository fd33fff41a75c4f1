"""The files of tests that mutants name."""

_HOSTILE, _JOURNEY, _PROVISION, _UNIT = (
    "tests/hostile",
    "tests/journey",
    "tests/provision",
    "tests/unit",
)
TOKEN, CALLBACK = f"{_HOSTILE}/test_id_token.py", f"{_HOSTILE}/test_callback.py"
PROVIDER, SESSION = f"{_HOSTILE}/test_provider.py", f"{_HOSTILE}/test_session.py"
TABLE, SIGN_OUT = f"{_HOSTILE}/test_table.py", f"{_HOSTILE}/test_sign_out.py"
RETURN_TO, EDGE = f"{_HOSTILE}/test_return_to.py", f"{_HOSTILE}/test_edge.py"
LOGOUT, HOOKS = f"{_HOSTILE}/test_backchannel_logout.py", f"{_HOSTILE}/test_webhooks.py"
REFRESH, BEARER = f"{_HOSTILE}/test_refresh.py", f"{_HOSTILE}/test_bearer.py"
HTTP, SDK = f"{_HOSTILE}/test_http_client.py", f"{_HOSTILE}/test_logto_sdk.py"
TIME = f"{_HOSTILE}/test_deadlines.py"
QUEUE, UNASKED = f"{_HOSTILE}/test_revocation_queue.py", f"{_HOSTILE}/test_unasked.py"
RULES, REVALIDATION = f"{_JOURNEY}/test_rules.py", f"{_JOURNEY}/test_revalidation.py"
REAUTHENTICATION = f"{_JOURNEY}/test_reauthentication.py"
UPSTREAM = f"{_JOURNEY}/test_sign_out_upstream.py"
SILENT = f"{_HOSTILE}/test_silent_sign_in.py"
EVERYWHERE, ADMIN = f"{_JOURNEY}/test_sign_out_everywhere.py", f"{_JOURNEY}/test_admin.py"
LISTINGS = f"{_JOURNEY}/test_listings.py"
AUTHORIZER, LIMITS = f"{_JOURNEY}/test_authorizer.py", f"{_JOURNEY}/test_limits.py"
SIGN_IN, LEAVE = f"{_JOURNEY}/test_sign_in.py", f"{_JOURNEY}/test_sign_out.py"
STORE = "tests/store"
SETUP, BAD_INPUT = f"{_PROVISION}/test_setup.py", f"{_PROVISION}/test_bad_input.py"
FILES, TEARDOWN = f"{_PROVISION}/test_files.py", f"{_PROVISION}/test_teardown.py"
RELAY, CONSOLE = "tests/local/test_relay.py", "tests/local/test_console.py"
PERMISSIONS, SNAPSHOT = "tests/template/test_permissions.py", "tests/snapshot/test_snapshot.py"
EVENT, KEYS = f"{_UNIT}/test_http_api.py", f"{_UNIT}/test_provider.py"
TARGETS, QUERY = f"{_UNIT}/test_return_to.py", f"{_UNIT}/test_query.py"
COOKIES, SQS = f"{_UNIT}/test_cookies.py", f"{_UNIT}/test_revocation_queue.py"
REQUEST = f"{_UNIT}/test_revocation_request.py"
EVENTS, CALLS = f"{_UNIT}/test_edge.py", f"{_UNIT}/test_dynamodb.py"
TRANSACTIONS, CLOCK = f"{_UNIT}/test_table_client.py", f"{_UNIT}/test_clock.py"
ENTRA, SETTINGS = f"{_UNIT}/test_entra_claims.py", f"{_UNIT}/test_settings.py"
PAGES, OBSERVER = f"{_UNIT}/test_pages.py", f"{_UNIT}/test_observability.py"
