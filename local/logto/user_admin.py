"""What an administrator does with users. Each change is sent to the webhooks.

`caller` describes the program that called the Management API; None stands for the console.
"""

from collections.abc import Mapping
from typing import Any

from local.logto import webhooks
from local.logto.state import StandInState
from local.logto.tenant import Organization, User

Caller = Mapping[str, str] | None


async def create(state: StandInState, user: User, caller: Caller = None) -> None:
    """Add a user."""
    state.tenant.users[user.id] = user
    cause = webhooks.api_call("POST", "/users", {}, status=200, caller=caller)
    await webhooks.send(state, webhooks.CREATION, cause, _data(user, state))


async def change(
    state: StandInState, user: User, changes: Mapping[str, Any], caller: Caller = None
) -> None:
    """Change fields of a user."""
    for name, value in changes.items():
        setattr(user, name, value)
    user.updated_at = int(state.clock() * 1000)
    cause = _cause("PATCH", "/users/:userId", user, 200, caller)
    await webhooks.send(state, webhooks.DATA, cause, _data(user, state))


async def suspend(
    state: StandInState, user_id: str, *, suspended: bool = True, caller: Caller = None
) -> None:
    """Suspend a user, or lift a suspension. Raises KeyError for an unknown user."""
    user = state.tenant.users[user_id]
    user.suspended = suspended
    if suspended:
        _end_sessions(state, user_id)
    cause = _cause("PATCH", "/users/:userId/is-suspended", user, 200, caller)
    await webhooks.send(state, webhooks.SUSPENSION, cause, _data(user, state))


async def delete(state: StandInState, user_id: str, caller: Caller = None) -> None:
    """Delete a user. Raises KeyError for an unknown user."""
    user = state.tenant.users.pop(user_id)
    _end_sessions(state, user_id)
    cause = _cause("DELETE", "/users/:userId", user, 204, caller)
    await webhooks.send(state, webhooks.DELETION, cause, _data(user, state))


async def add_members(
    state: StandInState, organization: Organization, users: list[str], caller: Caller = None
) -> None:
    """Add users to an organization."""
    for user in users:
        organization.members.setdefault(user, ())
    params = {"id": organization.id}
    cause = webhooks.api_call("POST", "/organizations/:id/users", params, status=201, caller=caller)
    details = {"organizationId": organization.id, "addedUserIds": users}
    await webhooks.send(state, webhooks.MEMBERSHIP, cause, details)


async def remove_member(
    state: StandInState, organization: Organization, user: str, caller: Caller = None
) -> None:
    """Remove a user from an organization. Raises KeyError if it is not a member."""
    del organization.members[user]
    params = {"id": organization.id, "userId": user}
    route = "/organizations/:id/users/:userId"
    cause = webhooks.api_call("DELETE", route, params, status=204, caller=caller)
    details = {"organizationId": organization.id, "removedUserIds": [user]}
    await webhooks.send(state, webhooks.MEMBERSHIP, cause, details)


def _cause(method: str, route: str, user: User, status: int, caller: Caller) -> dict[str, Any]:
    return webhooks.api_call(method, route, {"userId": user.id}, status=status, caller=caller)


def _data(user: User, state: StandInState) -> dict[str, Any]:
    return {"data": webhooks.user_data(user, state.tenant)}


def _end_sessions(state: StandInState, user_id: str) -> None:
    """End the user's sessions at Logto."""
    for name in [name for name, s in state.sessions.items() if s.user_id == user_id]:
        del state.sessions[name]
