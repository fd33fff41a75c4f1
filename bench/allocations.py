"""What a warm request allocates, measured inside a process that serves the built artifact."""

import json
import os
import subprocess
import sys
from typing import Any

from bench.subjects import Person, Subject
from bench.world import World
from harness.environment import function_variables
from local.http_event import http_event

_PROGRAM = """
import gc, importlib, json, sys, tracemalloc
module, name, events = json.load(sys.stdin)
handler = getattr(importlib.import_module(module), name)
found = {}
for page, event in events.items():
    for _ in range(20):
        handler(event, None)
    gc.collect()
    tracemalloc.start()
    blocks = sys.getallocatedblocks()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    handler(event, None)
    after, peak = tracemalloc.get_traced_memory()
    left = sys.getallocatedblocks() - blocks
    tracemalloc.stop()
    found[page] = {"peak_kb": (peak - before) / 1024, "left_kb": (after - before) / 1024,
                   "objects_left": left}
print("RESULT" + json.dumps(found))
"""


def allocations(subject: Subject, world: World, table: str, person: Person) -> dict[str, Any]:
    """Measure the memory of each page: peak and remainder in KB, for a signed-in person."""
    cookies = person.browser.cookies
    headers = {"accept": "text/html", "sec-fetch-mode": "navigate"}
    events = {
        "home": http_event("GET", "/", headers=headers, cookies=cookies),
        "/me": http_event("GET", "/me", headers=headers, cookies=cookies),
        "home, signed out": http_event("GET", "/", headers=headers),
        "sign-in": http_event("GET", "/sign-in", headers=headers),
    }
    module, _, name = subject.handler.rpartition(".")
    environment = {
        "PYTHONPATH": os.pathsep.join((str(subject.code), str(subject.layer))),
        **function_variables(world.logto, table, dynamodb=world.table),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(  # noqa: S603 - this interpreter itself
        [sys.executable, "-P", "-S", "-c", _PROGRAM],
        input=json.dumps([module, name, events]),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    found: dict[str, dict[str, float]] = json.loads(line.removeprefix("RESULT"))
    return {
        page: {name: round(value, 1) for name, value in figures.items()}
        for page, figures in found.items()
    }
