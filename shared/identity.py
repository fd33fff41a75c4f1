"""Read the signed-in user's identity from the claims of a checked ID token.

`issuer` and `subject` identify the user; names and addresses are for display only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from shared.parsing import base64url
from shared.parsing.plain_text import plain_text, without_controls
from shared.parsing.strict_json import parse_json_object, texts
from shared.store.records import Session

MAX_CHARACTERS = 500

type Source[T] = Callable[[Session, Mapping[str, Any]], T]
"""Read a field from a session and the claims of its ID token."""


def _read[T](default: T, source: Source[T]) -> T:
    """Declare a field by its source; the default stands for an unknown one."""
    declared: T = field(default=default, metadata={"source": source})
    return declared


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """The signed-in user, as `/me`, the start page and the authorizer's context render it.

    A new claim is one line here, and its place on the page.
    """

    issuer: str
    subject: str
    name: str | None = _read(
        None, lambda _, claims: _text(claims, "name") or _text(claims, "username")
    )
    email: str | None = _read(None, lambda _, claims: _text(claims, "email"))
    picture: str | None = _read(None, lambda _, claims: _text(claims, "picture"))
    connector: str | None = _read(None, lambda session, _: session.connector)
    tenant_id: str | None = _read(None, lambda session, _: session.tenant_id)
    organizations: tuple[str, ...] = _read((), lambda _, claims: texts(claims.get("organizations")))
    organization_roles: tuple[str, ...] = _read(
        (), lambda _, claims: texts(claims.get("organization_roles"))
    )
    roles: tuple[str, ...] = _read((), lambda _, claims: texts(claims.get("roles")))
    groups: tuple[str, ...] = _read((), lambda session, _: session.groups)

    def public(self) -> dict[str, Any]:
        """Return the fields under their names in `/me`; an unknown one is None or empty."""
        return {"sub": self.subject} | {name: getattr(self, name) for name in _SOURCES}

    def context(self) -> dict[str, Any]:
        """Return the fields for the authorizer's context, without the picture.

        An unknown one is an empty text or list, never None: API Gateway changes null on its way.
        """
        context: dict[str, Any] = {"sub": self.subject}
        for name in (name for name in _SOURCES if name != "picture"):
            value = getattr(self, name)
            listed = isinstance(value, tuple)
            context[name] = [without_controls(item) for item in value] if listed else value or ""
        return context


_SOURCES: Final = {each.name: each.metadata["source"] for each in fields(Identity) if each.metadata}


def read_claims(token: str) -> dict[str, Any]:
    """Decode the claims of a token that was checked when it was sealed into the session."""
    return parse_json_object(base64url.decode(token.split(".")[1]))


def identity_of(session: Session) -> Identity:
    """Return the identity of a session."""
    claims = read_claims(session.storage["idToken"])
    values = {name: read(session, claims) for name, read in _SOURCES.items()}
    return Identity(issuer=session.issuer, subject=session.subject, **values)


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    """Return a claim as text for a page; None if it is empty or of another type."""
    value = claims.get(name)
    if not isinstance(value, str):
        return None
    return plain_text(value)[:MAX_CHARACTERS].rstrip() or None
