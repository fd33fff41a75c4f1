"""Convert items to DynamoDB's JSON and back, by the fields of their dataclasses."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any, Final

from shared.store.keys import NOT_LISTED, Listing
from shared.store.records import VERSION, Item

_ATTRIBUTES: Final = {
    "S": "pk sk binding client_ip client_agent lease_owner other_owner",
    "N": "expires_at seen_at began_at lease_until",
    "B": "sealed",
    "SS": "organizations",
}
"""The attributes that are read, by type: one of another type counts as absent."""
_KINDS: Final = {name: kind for kind, names in _ATTRIBUTES.items() for name in names.split()}
_READ: Final[dict[str, Callable[[Any], Any]]] = {
    "S": str,
    "N": lambda digits: float(digits) if "." in digits else int(digits),
    "B": bytes,
    "SS": frozenset,
}
_NAMES: Final = {"key": "pk", "owner": "pk", "session": "sk"}
"""The attributes of fields that have another name."""


def encoded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values in DynamoDB's JSON, without None and empty sets."""
    return {name: _attribute(v) for name, v in values.items() if v is not None and v != frozenset()}


def row_of(item: Item | Listing) -> dict[str, Any]:
    """Return an item in DynamoDB's JSON, with the version of the records."""
    values = {_NAMES.get(f.name, f.name): getattr(item, f.name) for f in fields(item)}
    return encoded({"sk": NOT_LISTED, "v": VERSION, **values})


def item_of[T](cls: type[T], row: Mapping[str, Any] | None) -> T | None:
    """Return a row as an item of this class; None if it is not one that this product wrote."""
    declared: Any = cls
    found = {}
    for name in (each.name for each in fields(declared)):
        attribute = _NAMES.get(name, name)
        kind = _KINDS[attribute]
        given = (row or {}).get(attribute, {}).get(kind)
        if given is not None:
            found[name] = _READ[kind](given)
    try:
        return cls(**found)
    except TypeError:  # an attribute is missing
        return None


def items_of[T](cls: type[T], rows: Iterable[Mapping[str, Any]]) -> tuple[T, ...]:
    """Return the rows that are items of this class."""
    return tuple(item for row in rows if (item := item_of(cls, row)) is not None)


def _attribute(value: Any) -> dict[str, Any]:
    match value:
        case bytes():
            return {"B": value}
        case float():
            return {"N": f"{value:.3f}"}
        case int():
            return {"N": str(value)}
        case frozenset():
            return {"SS": sorted(value)}
    return {"S": value}
