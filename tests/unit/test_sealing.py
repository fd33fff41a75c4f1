"""Sealed records open only with the right secret, for the right item, from unaltered bytes."""

from hypothesis import given
from hypothesis import strategies as st

from shared.sealing import Seal, digest, is_secret, new_secret

SECRET = new_secret()


def test_sealed_content_opens_again() -> None:
    seal = Seal.of("session", SECRET)
    assert seal.open(seal.close(b"content")) == b"content"


def test_another_secret_does_not_open_a_record() -> None:
    sealed = Seal.of("session", SECRET).close(b"content")
    assert Seal.of("session", new_secret()).open(sealed) is None


def test_another_kind_has_another_name_and_key() -> None:
    session, transaction = Seal.of("session", SECRET), Seal.of("transaction", SECRET)
    assert session.key != transaction.key
    assert transaction.named(session.key).open(session.close(b"content")) is None


def test_content_does_not_open_under_another_name() -> None:
    seal = Seal.of("session", SECRET)
    assert seal.named("session#other").open(seal.close(b"content")) is None


@given(st.binary(max_size=100), st.data())
def test_record_with_any_bit_flipped_is_rejected(content: bytes, data: st.DataObject) -> None:
    seal = Seal.of("session", SECRET)
    sealed = bytearray(seal.close(content))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    assert seal.open(bytes(sealed)) is None


@given(st.binary(max_size=40))
def test_arbitrary_bytes_do_not_open(sealed: bytes) -> None:
    assert Seal.of("session", SECRET).open(sealed) is None


def test_neither_name_nor_repr_shows_a_secret() -> None:
    seal = Seal.of("session", SECRET)
    assert SECRET not in seal.key
    assert "_cipher_key" not in repr(seal)


def test_new_secrets_are_well_formed_and_distinct() -> None:
    assert is_secret(SECRET)
    assert len({new_secret() for _ in range(100)}) == 100
    assert not is_secret("é" * 43)


def test_digest_keeps_its_parts_apart() -> None:
    assert digest("label", "ab", "c") != digest("label", "a", "bc")
