"""What the flows work with, made once per process by a composition root."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.observability import Observer
from shared.provider import Clock
from shared.sealing import Random
from shared.settings import Settings
from shared.table import Table

if TYPE_CHECKING:
    from shared.logto_client import Logto


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """`logto` is made when first asked for: a page that needs no provider does not load the SDK."""

    settings: Settings
    table: Table
    logto: Callable[[], "Logto"]
    observer: Observer
    clock: Clock
    random: Random
