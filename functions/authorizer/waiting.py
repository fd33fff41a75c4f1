"""Waiting for Logto on one event loop, which is made when somebody first has to wait.

A cookie needs one read of the table, and starting asyncio costs more than that read.
"""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

ANSWER_SECONDS = 8.0
"""Time for everything that waits for Logto; API Gateway waits ten seconds for an authorizer."""


class Waiting:
    """Runs coroutines one after another, each for a bounded time."""

    def __init__(self, loop: "AbstractEventLoop | None" = None) -> None:
        self._loop = loop

    def result[T](self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns or raises; TimeoutError after `ANSWER_SECONDS`."""
        import asyncio

        async def limited() -> T:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await coroutine

        self._loop = self._loop or asyncio.new_event_loop()
        return self._loop.run_until_complete(limited())
