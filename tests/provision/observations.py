"""Observations to judge: of a product and a Logto that nobody asked, unless a test says more."""

from typing import Any

from provision.desired import Product
from provision.doctor.observed import (
    NotObserved,
    Observed,
    ObservedLogto,
    ObservedManagement,
    ObservedSite,
)

LOGTO = "https://tenant.logto.test"
PRODUCT = "https://app.example.test"
CALLBACK = f"{PRODUCT}/callback"
NOTHING = NotObserved("Nobody asked.")


def logto(**parts: Any) -> ObservedLogto:
    """Return what Logto answered: only these parts."""
    names = ("discovery", "ahead_seconds", "keys", "token", "redirect", "sign_out")
    return ObservedLogto(**{**dict.fromkeys(names, NOTHING), **parts})


def site(**parts: Any) -> ObservedSite:
    """Return what the product answered: only these parts."""
    names = ("home", "sign_in", "me", "backchannel", "webhook")
    return ObservedSite(**{**dict.fromkeys(names, NOTHING), **parts})


def observed(**parts: Any) -> Observed:
    """Return observations of which only these parts were made."""
    values: dict[str, Any] = {
        "now": 1_800_000_000.0,
        "product": Product(name="Northwind", base_url=PRODUCT),
        "endpoint": LOGTO,
        "variables": NOTHING,
        "settings_fault": None,
        "logto": logto(),
        "management": ObservedManagement(),
        "recorded_ends": {},
        "record_fault": None,
        "site": site(),
        "sign_ins": NOTHING,
        "table": NOTHING,
        "stack": NOTHING,
    }
    return Observed(**{**values, **parts})
