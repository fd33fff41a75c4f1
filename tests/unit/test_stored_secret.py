"""The application's secret: its source, its form, and reading it again after it was refused."""

import time
from typing import Any

import boto3
import pytest
from moto import mock_aws

from harness.patience import PATIENT
from shared.clock import Deadline
from shared.errors import Misconfigured, SecretUnavailable
from shared.oidc.client_secret import Fetch, SecretReader, StoredSecret, plain_secret

DEADLINE = Deadline.after(3600)
NAME = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:logto-AbCdEf"


def stored_secret(arn: str | None, given: str | None, fetch: Fetch) -> StoredSecret:
    return StoredSecret(arn=arn, given=given, fetch=fetch, clock=time.time, refetch_seconds=10)


class Store:
    """A store whose reader caches the value, as Powertools does."""

    def __init__(self, value: str) -> None:
        self.value = value
        self._cached: str | None = None
        self.readings = 0

    def __call__(self, arn: str, fresh: bool, deadline: Deadline) -> str:
        assert arn == NAME
        if fresh or self._cached is None:
            self._cached = self.value
            self.readings += 1
        return self._cached


@pytest.mark.parametrize("stored", ["s3cret", " s3cret\n", '{"app_secret": "s3cret"}'])
def test_secret_is_read_from_plain_text_or_json(stored: str) -> None:
    assert plain_secret(stored) == "s3cret"


@pytest.mark.parametrize("stored", ["", "{}", '{"app_secret": 1}', '{"app_secret": ""}', "{broken"])
def test_malformed_secret_is_refused(stored: str) -> None:
    with pytest.raises(Misconfigured):
        plain_secret(stored)


def test_rotated_secret_is_found_after_the_old_one_is_refused() -> None:
    store = Store("old")
    secret = stored_secret(arn=NAME, given=None, fetch=store)
    assert secret.value(DEADLINE) == "old"
    store.value = "new"
    assert secret.value(DEADLINE) == "old"
    assert secret.renewed("old", DEADLINE) == "new"
    assert secret.value(DEADLINE) == "new"
    assert store.readings == 2


def test_unchanged_secret_is_not_tried_again() -> None:
    assert stored_secret(arn=NAME, given=None, fetch=Store("old")).renewed("old", DEADLINE) is None
    assert (
        stored_secret(arn=None, given="local", fetch=Store("")).renewed("local", DEADLINE) is None
    )


def test_repr_shows_no_secret() -> None:
    assert "s3cret" not in repr(stored_secret(arn=None, given="s3cret", fetch=Store("s3cret")))


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> SecretReader:
    return SecretReader(PATIENT)


@mock_aws
def test_secret_of_secrets_manager_is_cached_and_read_again(reader: SecretReader) -> None:
    client = boto3.client("secretsmanager")
    arn = client.create_secret(Name="logto", SecretString="one")["ARN"]
    assert reader(arn, False, DEADLINE) == "one"
    client.put_secret_value(SecretId=arn, SecretString="two")
    assert reader(arn, False, DEADLINE) == "one"
    assert reader(arn, True, DEADLINE) == "two"


@mock_aws
def test_secret_is_read_from_an_ssm_secure_string(reader: SecretReader) -> None:
    client: Any = boto3.client("ssm")
    client.put_parameter(Name="/logto/secret", Value="one", Type="SecureString")
    arn = client.get_parameter(Name="/logto/secret")["Parameter"]["ARN"]
    assert reader(arn, False, DEADLINE) == "one"


@mock_aws
def test_missing_secret_is_unavailable_and_its_name_is_not_shown(reader: SecretReader) -> None:
    with pytest.raises(SecretUnavailable) as caught:
        reader(NAME, False, DEADLINE)
    assert NAME not in str(caught.value)
    assert caught.value.__cause__ is None
