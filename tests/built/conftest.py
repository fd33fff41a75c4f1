"""Artifacts for this machine's processor, built once: by plain `sam build`, and finished."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from harness.artifacts import link_runtime_client, sam_build
from harness.environment import function_variables
from harness.missing import ProgramMissing
from harness.product import DOMAIN
from harness.tables import new_table
from local.artifacts import finish
from local.logto.contoso import default_tenant
from local.logto.server import StandIn, running
from tests.support.needs import lacking


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    """Skip or fail a test whose fixtures need a program that this machine lacks."""
    try:
        return (yield)
    except ProgramMissing as missing:
        lacking(str(missing))


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build folder of `sam build`: one folder a function, and `SharedLayer/python`."""
    return sam_build(tmp_path_factory.mktemp("build") / "out")


@pytest.fixture(scope="session")
def finished(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build folder as `make build` finishes it."""
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


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    with running(default_tenant(f"https://{DOMAIN}")) as started:
        yield started


@pytest.fixture(scope="module")
def variables(dynamodb_url: str, stand_in: StandIn) -> Iterator[dict[str, str]]:
    """The variables of a deployment with the stand-in and a new table."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=dynamodb_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    yield function_variables(stand_in.url, new_table(client), dynamodb=dynamodb_url)
    client.close()
