"""The start of a process: each function's `app` imports this module before any other.

The garbage collector is off while modules are loaded, as it would walk through thousands of new
objects time and again, and nothing of a module becomes garbage. `done` turns it on, and leaves what
was loaded out of every later collection.
"""

import gc

gc.disable()


def done() -> None:
    """Call this when the handler is made."""
    gc.freeze()
    gc.enable()
