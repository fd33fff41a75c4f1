"""How cost grows: with the table, with a user's sessions, with groups, with resource tokens."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bench.subjects import AUTHORIZER, OURS, Person, Subject
from bench.world import World, group, resource
from harness.rie import Function

ALL_SCOPES: Final = "email roles urn:logto:scope:organizations urn:logto:scope:organization_roles"


def with_sessions(
    everybody: dict[str, Subject], world: World, client: Path, sizes: tuple[int, ...]
) -> list[dict[str, Any]]:
    """Over tables with so many rows. The rows go into moto's memory directly."""
    table = world.new_table()
    rows = []
    with everybody[OURS].running(world, table, client) as function:
        _warm(function, world)
        for size in sizes:
            world.fill(table, size)
            rows.append({"x": size, **_journey(function, world)})
    return rows


def with_sessions_of_a_user(
    everybody: dict[str, Subject], world: World, client: Path, sizes: tuple[int, ...]
) -> list[dict[str, Any]]:
    """For a user who has signed in so many times without signing out."""
    rows, signed_in = [], 0
    with everybody[OURS].running(world, world.new_table(), client) as function:
        for size in sizes:
            for _ in range(size - signed_in):
                Person(function, world).sign_in()
            signed_in = size
            rows.append({"x": size, **_journey(function, world)})
    return rows


def with_groups(
    everybody: dict[str, Subject], world: World, client: Path, sizes: tuple[int, ...]
) -> list[dict[str, Any]]:
    """For a user in so many groups of Entra, eight of which this deployment knows."""
    known = " ".join(f"{group(n)}=team-{n}" for n in range(8))
    variables = {"ENTRA_GROUPS": known, "LOGTO_SCOPES": f"{ALL_SCOPES} identities"}
    rows = []
    subject = replace(everybody[OURS], variables=variables)
    with subject.running(world, world.new_table(), client) as function:
        _warm(function, world)
        for size in sizes:
            world.groups(size)
            rows.append({"x": size, **_journey(function, world)})
    world.groups(3)
    return rows


def with_resources(
    everybody: dict[str, Subject], world: World, client: Path, sizes: tuple[int, ...]
) -> list[dict[str, Any]]:
    """For a session with so many access tokens kept: what one authorizer call costs."""
    most = max(sizes)
    world.resources(most)
    variables = {
        "LOGTO_RESOURCES": " ".join(resource(n) for n in range(most)),
        "LOGTO_SCOPES": f"{ALL_SCOPES} read:orders",
    }
    routes = {"ACCESS_TOKEN_ROUTES": " ".join(f"/r{n}={resource(n)}" for n in range(most))}
    table = world.new_table()
    rows, kept = [], 0
    with ExitStack() as running:
        signing = replace(everybody[OURS], variables=variables)
        asking = replace(everybody[AUTHORIZER], variables={**variables, **routes})
        function = running.enter_context(signing.running(world, table, client))
        authorizer = running.enter_context(asking.running(world, table, client))
        person = Person(function, world)
        person.sign_in()
        for size in sizes:
            for number in range(kept, size):
                _ask(authorizer, person, number)
            kept = size
            world.clear()
            _ask(authorizer, person, size - 1)
            rows.append({"x": size, "authorizer": _cost(world)})
    return rows


def _ask(authorizer: Function, person: Person, number: int) -> None:
    answer = authorizer(dict(person.asked(f"/r{number}")))
    if answer.get("isAuthorized") is not True:
        raise RuntimeError(f"denied: {authorizer.log[-500:]}")


def _warm(function: Function, world: World) -> None:
    person = Person(function, world)
    person.sign_in()
    person.home()
    person.sign_out()


def _journey(function: Function, world: World) -> dict[str, dict[str, float]]:
    person = Person(function, world)
    costs = {}
    url = ""
    world.clear()
    url = person.at_logto(person.start())
    costs["sign-in"] = _cost(world)
    person.finish(url)
    costs["callback"] = _cost(world)
    person.home()
    costs["home"] = _cost(world)
    person.sign_out()
    costs["sign-out"] = _cost(world)
    return costs


def _cost(world: World) -> dict[str, float]:
    calls = world.counts()
    world.clear()
    table = [call for call in calls if call["service"] == "table"]
    return {
        "calls": len(table),
        "bytes": sum(call["sent"] + call["received"] for call in table),
        "read_units": sum(call["read_units"] for call in table),
        "write_units": sum(call["write_units"] for call in table),
        "logto_calls": len(calls) - len(table),
    }
