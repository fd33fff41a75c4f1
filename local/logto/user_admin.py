"""What an administrator does to users: each change is told to the webhooks."""

from local.logto import webhooks
from local.logto.state import Memory


async def suspend(memory: Memory, user_id: str, *, suspended: bool = True) -> None:
    """Suspend a user, or lift that. Raises KeyError for an unknown one."""
    user = memory.tenant.users[user_id]
    user.suspended = suspended
    if suspended:
        _forget(memory, user_id)
    await webhooks.tell(memory, webhooks.SUSPENSION, user)


async def delete(memory: Memory, user_id: str) -> None:
    """Delete a user. Raises KeyError for an unknown one."""
    user = memory.tenant.users.pop(user_id)
    _forget(memory, user_id)
    await webhooks.tell(memory, webhooks.DELETION, user)


def _forget(memory: Memory, user_id: str) -> None:
    """End the user's sessions at Logto."""
    for name in [name for name, s in memory.sessions.items() if s.user_id == user_id]:
        del memory.sessions[name]
