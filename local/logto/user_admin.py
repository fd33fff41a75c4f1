"""What an administrator does with users. Each change is sent to the webhooks."""

from local.logto import webhooks
from local.logto.state import StandInState


async def suspend(state: StandInState, user_id: str, *, suspended: bool = True) -> None:
    """Suspend a user, or lift a suspension. Raises KeyError for an unknown user."""
    user = state.tenant.users[user_id]
    user.suspended = suspended
    if suspended:
        _end_sessions(state, user_id)
    await webhooks.send(state, webhooks.SUSPENSION, user)


async def delete(state: StandInState, user_id: str) -> None:
    """Delete a user. Raises KeyError for an unknown user."""
    user = state.tenant.users.pop(user_id)
    _end_sessions(state, user_id)
    await webhooks.send(state, webhooks.DELETION, user)


def _end_sessions(state: StandInState, user_id: str) -> None:
    """End the user's sessions at Logto."""
    for name in [name for name, s in state.sessions.items() if s.user_id == user_id]:
        del state.sessions[name]
