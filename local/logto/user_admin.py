"""What an administrator does to users: each change is told to the webhooks."""

from local.logto import webhooks
from local.logto.state import StandInState


async def suspend(state: StandInState, user_id: str, *, suspended: bool = True) -> None:
    """Suspend a user, or lift that. Raises KeyError for an unknown one."""
    user = state.tenant.users[user_id]
    user.suspended = suspended
    if suspended:
        _forget(state, user_id)
    await webhooks.tell(state, webhooks.SUSPENSION, user)


async def delete(state: StandInState, user_id: str) -> None:
    """Delete a user. Raises KeyError for an unknown one."""
    user = state.tenant.users.pop(user_id)
    _forget(state, user_id)
    await webhooks.tell(state, webhooks.DELETION, user)


def _forget(state: StandInState, user_id: str) -> None:
    """End the user's sessions at Logto."""
    for name in [name for name, s in state.sessions.items() if s.user_id == user_id]:
        del state.sessions[name]
