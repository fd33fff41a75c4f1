"""Who is signed in, read from the claims of a checked ID token.

The subject is `issuer` and `subject` together. Names and addresses are for showing only: nothing
is ever looked up by an e-mail address.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.parsing import base64url
from shared.parsing.strict_json import parse_json_object
from shared.store.records import Session

MAX_CHARACTERS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What the product shows and hands on; unknown is None or empty."""

    issuer: str
    subject: str
    name: str | None
    email: str | None
    picture: str | None
    connector: str | None
    tenant_id: str | None
    organizations: tuple[str, ...]
    organization_roles: tuple[str, ...]
    roles: tuple[str, ...]
    groups: tuple[str, ...]


def read_claims(token: str) -> dict[str, Any]:
    """The claims of a token that was checked when it was sealed into the session."""
    return parse_json_object(base64url.decode(token.split(".")[1]))


def identity_of(session: Session) -> Identity:
    """The identity of a session."""
    claims = read_claims(session.storage["idToken"])
    return Identity(
        issuer=session.issuer,
        subject=session.subject,
        name=_text(claims, "name") or _text(claims, "username"),
        email=_text(claims, "email"),
        picture=_text(claims, "picture"),
        connector=session.connector,
        tenant_id=session.tenant_id,
        organizations=_texts(claims, "organizations"),
        organization_roles=_texts(claims, "organization_roles"),
        roles=_texts(claims, "roles"),
        groups=session.groups,
    )


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    """A claim as text that is safe to show: of any other type, or empty, it is unknown."""
    value = claims.get(name)
    if not isinstance(value, str):
        return None
    text = "".join(c for c in value if c.isprintable()).strip()[:MAX_CHARACTERS]
    return text or None


def _texts(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = claims.get(name)
    if not isinstance(value, list):
        return ()
    return tuple(item for item in value if isinstance(item, str) and item.isprintable())
