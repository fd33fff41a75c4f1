"""Artifacts for this machine's processor, made once: of plain `sam build`, and finished."""

import shutil
from pathlib import Path

import pytest

from local.artifacts import finish
from tests.support.artifacts import link_runtime_client, sam_build


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build folder of `sam build`: one folder a function, and `SharedLayer/python`."""
    return sam_build(tmp_path_factory.mktemp("build") / "out")


@pytest.fixture(scope="session")
def finished(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as `make build` leaves it."""
    folder = tmp_path_factory.mktemp("finished") / "out"
    shutil.copytree(plain, folder)
    finish(folder)
    return folder


@pytest.fixture(scope="session", params=["plain", "finished"])
def artifacts(request: pytest.FixtureRequest) -> Path:
    """Each packaging in turn."""
    folder: Path = request.getfixturevalue(request.param)
    return folder


@pytest.fixture(scope="session")
def runtime_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runtime's client alone, as Lambda's image has it."""
    return link_runtime_client(tmp_path_factory.mktemp("client"))
