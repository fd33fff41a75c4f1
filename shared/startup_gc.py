"""Pause the garbage collector at startup. Each function's `app` imports this module first.

While modules load, the collector would scan thousands of new objects repeatedly and free none of
them. `done` turns it on again, and excludes the loaded objects from later collections.
"""

import gc

gc.disable()


def done() -> None:
    """Turn the collector on. Call this when the handler exists."""
    gc.freeze()
    gc.enable()
