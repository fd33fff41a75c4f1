"""Records of every release are read by the code as it is now, and rows are written as they were.

While a canary runs, and after a roll-back, old and new code have the same table. So a release reads
what the one before wrote; and what it writes differs only where a new file here says so, whose
release notes then say how the one before copes with it.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.patience import PATIENT
from harness.tables import new_table, table_client
from shared.store.dynamodb import TableClient, connect
from shared.store.keys import listing_owner, op_session_digest, replay_key, subject_digest
from shared.store.records import (
    VERSION,
    AccessToken,
    Session,
    SessionItem,
    Transaction,
    binding_of,
    transaction_key,
    transaction_seal,
)
from shared.store.revocation_table import RevocationTable
from shared.store.session_table import SessionTable
from tests.records.write import (
    COOKIE,
    HANDLE,
    ISSUER,
    NOW,
    RELEASES,
    SESSION,
    SID,
    STATE,
    SUBJECT,
    TARGET,
    TOKEN,
    TRANSACTION,
    as_text,
    fixed,
    records,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FILES = sorted(RELEASES.glob("*.json"))


def recorded(file: Path) -> list[dict[str, Any]]:
    def plain(found: dict[str, Any]) -> Any:
        return base64.b64decode(found["base64"]) if set(found) == {"base64"} else found

    writes: list[dict[str, Any]] = json.loads(file.read_text(), object_hook=plain)
    return writes


@pytest.fixture
def written(dynamodb_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], TableClient]:
    """Return a function that makes a table with the records of a release, as it wrote them."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)

    def write(file: Path) -> TableClient:
        client: DynamoDBClient = connect(PATIENT)
        calls = table_client(client, new_table(client))
        for entry in recorded(file):
            ((kind, arguments),) = entry.items()
            if kind == "put_item":
                calls(kind, **arguments)
            elif kind in ("Put", "Update") and "lease_owner" not in str(arguments):
                calls.transact([{kind: arguments}])
        return calls

    return write


def test_at_least_one_release_has_records() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_transaction_of_a_release_is_read(
    written: Callable[[Path], TableClient], file: Path
) -> None:
    item = SessionTable(written(file)).claim_transaction(
        transaction_key(STATE), [binding_of(COOKIE)]
    )
    assert item is not None
    assert Transaction.unseal(item, transaction_seal(STATE, COOKIE)) == TRANSACTION


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_session_and_access_token_of_a_release_are_read(
    written: Callable[[Path], TableClient], file: Path
) -> None:
    seal = HANDLE.seal
    item, token = SessionTable(written(file)).read_session_and_token(
        seal.key, HANDLE.token_key(TARGET)
    )
    assert item is not None
    assert token is not None
    assert (item.seen_at, item.began_at, item.expires_at) == (NOW, NOW - 1, NOW + 3600)
    assert Session.unseal(item, seal) == SESSION
    assert AccessToken.unseal(token, HANDLE.token_seal(TARGET, SESSION.token_key)) == TOKEN


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_sessions_of_a_user_are_found_in_a_release(
    written: Callable[[Path], TableClient], file: Path
) -> None:
    revocations, key = RevocationTable(written(file)), HANDLE.seal.key
    owners = {
        listing_owner(subject_digest(ISSUER, SUBJECT)),
        listing_owner(op_session_digest(ISSUER, SID)),
    }
    for owner in owners:
        (listing,) = revocations.read_listings(owner)
        assert (listing.session, listing.began_at) == (key, SESSION.began_at)
        assert listing.expires_at == SESSION.ends_at
        assert {listing.other_owner} == owners - {owner}
    (entry,) = revocations.read_sessions([key])
    assert (entry.client_ip, entry.client_agent) == ("192.0.2.1", "test")
    assert recorded(file)[-1] == {"replay": replay_key(ISSUER, "a-token-id")}


@pytest.mark.parametrize("version", [VERSION - 1, VERSION + 1])
def test_records_of_another_version_open_nothing(
    monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    seal, tokens = HANDLE.seal, HANDLE.token_seal(TARGET, SESSION.token_key)
    with monkeypatch.context() as patch:
        patch.setattr("shared.store.records.VERSION", version)
        session, token = SESSION.sealed(seal, fixed), TOKEN.seal(tokens, fixed)
        transaction = TRANSACTION.seal(state=STATE, cookie=COOKIE, expires_at=NOW, random=fixed)
    item = SessionItem(key=seal.key, sealed=session, expires_at=NOW, seen_at=NOW, began_at=NOW)
    assert Session.unseal(item, seal) is None
    assert AccessToken.unseal(token, tokens) is None
    assert Transaction.unseal(transaction, transaction_seal(STATE, COOKIE)) is None


def test_a_record_comes_back_as_it_was() -> None:
    """Tuples come back as tuples, empty ones too, and unknown stays unknown."""
    seal = HANDLE.seal
    bare = replace(SESSION, op_session=None, connector=None, groups=(), scopes=(), storage={})
    for session in (SESSION, bare):
        sealed = session.sealed(seal, fixed)
        item = SessionItem(key=seal.key, sealed=sealed, expires_at=NOW, seen_at=NOW, began_at=NOW)
        assert Session.unseal(item, seal) == session


def test_rows_are_written_as_the_latest_release_did() -> None:
    """If this fails and the change is intended, write a file for the new release."""
    assert as_text(records()) == FILES[-1].read_text()
