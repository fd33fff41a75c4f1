"""Pause the garbage collector at startup. Each function's `app` imports this module first.

While modules load, it would scan thousands of new objects repeatedly and free none of them.
"""

import gc

gc.disable()


def done() -> None:
    """Turn the collector on. Call this when the handler exists."""
    gc.freeze()
    gc.enable()
