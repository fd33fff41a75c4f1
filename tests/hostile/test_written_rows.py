"""What a writer to the table can do without a user's cookie, and what not: docs/security.md says so."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.hostile.leaving import ALL, MALLORY, Leaving, leaving
from tests.hostile.provider import SUBJECT
from tests.hostile.scene import Scene

IDLE, ABSOLUTE = 3600, 43_200
FOREVER = 2**40
"""A time that is far ahead, in seconds."""


@pytest.fixture
def stage(scene: Scene) -> Iterator[Leaving]:
    with leaving(scene) as started:
        yield started


def rows(scene: Scene, kind: str) -> list[dict[str, Any]]:
    client, table = scene.process.client, scene.process.table_name
    found: list[dict[str, Any]] = client.scan(TableName=table)["Items"]
    return [row for row in found if row["pk"]["S"].startswith(f"{kind}#")]


def put(scene: Scene, row: dict[str, Any]) -> None:
    scene.process.client.put_item(TableName=scene.process.table_name, Item=row)


def delete(scene: Scene, row: dict[str, Any]) -> None:
    key = {name: row[name] for name in ("pk", "sk")}
    scene.process.client.delete_item(TableName=scene.process.table_name, Key=key)


@pytest.mark.invariant(15)
@pytest.mark.parametrize("attribute", ["seen_at", "expires_at", "began_at"])
def test_times_that_were_written_do_not_move_the_absolute_timeout(
    scene: Scene, attribute: str
) -> None:
    browser = scene.signed_in()
    (row,) = rows(scene, "session")
    scene.process.clock.ahead = ABSOLUTE - 60
    times = {name: {"N": str(int(scene.process.clock()))} for name in ("seen_at", "expires_at")}
    put(scene, {**row, **times, attribute: {"N": str(FOREVER)}})
    assert scene.who(browser) == SUBJECT
    scene.process.clock.ahead = ABSOLUTE + 1
    assert scene.who(browser) is None


def test_activity_that_was_written_postpones_the_idle_timeout(scene: Scene) -> None:
    browser = scene.signed_in()
    (row,) = rows(scene, "session")
    scene.process.clock.ahead = IDLE + 60
    assert scene.who(browser) is None
    put(scene, {**row, "seen_at": {"N": str(int(scene.process.clock()))}})
    assert scene.who(browser) == SUBJECT


def test_row_that_was_deleted_ends_the_session_and_put_back_begins_it_again(scene: Scene) -> None:
    browser = scene.signed_in()
    (row,) = rows(scene, "session")
    delete(scene, row)
    assert scene.who(browser) is None
    put(scene, row)
    assert scene.who(browser) == SUBJECT


def test_listing_that_was_deleted_hides_the_session_from_a_logout(stage: Leaving) -> None:
    for row in rows(stage.scene, "subject"):
        delete(stage.scene, row)
    assert stage.log_out(stage.token(sid=None, sub=MALLORY)) == 200
    assert stage.alive() == ALL


def test_row_under_another_key_opens_for_nobody(scene: Scene) -> None:
    """The key comes from the cookie, and a row is bound to its key."""
    browser, other = scene.signed_in(), scene.signed_in()
    first, second = rows(scene, "session")
    delete(scene, first)
    delete(scene, second)
    put(scene, {**first, "pk": second["pk"]})
    put(scene, {**second, "pk": first["pk"]})
    assert [scene.who(each) for each in (browser, other)] == [None, None]
