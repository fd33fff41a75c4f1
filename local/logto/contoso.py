"""Contoso, a customer with a Microsoft Entra tenant, and tenants of Logto for its people."""

import time
import uuid
from dataclasses import replace
from typing import Any, Final

from local.logto.identities import store_identity
from local.logto.tenant import (
    Application,
    Connector,
    Machine,
    Organization,
    Presets,
    Resource,
    Tenant,
    User,
)
from local.microsoft.entra_tenants import EntraTenant, Registration
from local.microsoft.graph import with_defaults

CONTOSO: Final = Connector(
    id="contoso00001",
    display_name="Contoso (Microsoft Entra ID)",
    domains=("contoso.com",),
    tenant_id="7f3c1f0e-52a1-4d7e-9a40-0d5c64d7c0de",
    client_id="3b1f6a52-6f0e-4b7e-8f8e-1f0a2d3c4b5a",
)
LOCAL_APPLICATION: Final = ("local-app", "local-app-secret")
"""Id and secret of the product's application. They protect nothing: the tenant is not real."""
LOCAL_PASSWORD: Final = ("alice0000001", "a-local-password")
"""The user who can sign in by password too, and the password."""
LOCAL_MACHINE: Final = ("local-management", "local-management-secret")
"""Id and secret of the machine-to-machine application that can use the Management API."""

_LONG_AGO: Final = int(time.time()) - 30 * 86_400
"""When Contoso's people signed in through the connector before the stand-in was started."""


def default_tenant(
    product_url: str = "http://localhost:3000",
    *,
    entra_url: str | None = None,
    post_logout_redirect_uris: tuple[str, ...] = (),
) -> Tenant:
    """A tenant with an application for the product at this URL, and Contoso's people.

    `entra_url` is the stand-in's own URL, if its Entra is to be the connector's issuer, so that
    sign-outs lead there too. Without it the issuer is that of Microsoft's public cloud.
    """
    after_sign_out = (f"{product_url}/signed-out", f"{product_url}/", *post_logout_redirect_uris)
    connector = CONTOSO
    if entra_url is not None:
        issuer = f"{entra_url}/entra/{CONTOSO.tenant_id}/v2.0"
        connector = replace(CONTOSO, config={"issuer": issuer})
    application = Application(
        id=LOCAL_APPLICATION[0],
        secret=LOCAL_APPLICATION[1],
        redirect_uris=(f"{product_url}/callback",),
        post_logout_redirect_uris=after_sign_out,
    )
    people = _people(connector=CONTOSO.id)
    tenant = replace(
        _tenant(people),
        applications={application.id: application},
        connectors={connector.id: connector},
        single_sign_on_enabled=True,
    )
    for person in people:
        store_identity(person, connector, person, vouched_at=_LONG_AGO)
    registration = Registration(
        client_id=CONTOSO.client_id,
        members=with_defaults(
            {"displayName": "Logto", "web": {"redirectUris": list(after_sign_out)}}
        ),
    )
    tenant.entra_tenants[CONTOSO.tenant_id].registrations[registration.id] = registration
    return tenant


def fresh_tenant(*, webhook_key: str | None = None) -> Tenant:
    """A tenant that has not been set up yet, and a machine that can use its Management API.

    Contoso's people have accounts in their Entra tenant. The first objects that are created get the
    ids of `default_tenant`.
    """
    webhook = ("local-webhook", webhook_key) if webhook_key is not None else None
    presets = Presets(application=LOCAL_APPLICATION, connector=CONTOSO.id, webhook=webhook)
    return replace(_tenant(_people()), presets=presets)


def _tenant(people: tuple[User, ...]) -> Tenant:
    contoso = Organization(
        id="contosoorg01",
        name="Contoso",
        description="Everybody at Contoso",
        members={"alice0000001": ("admin",), "grace0000001": ("member",)},
        role_scopes={"admin": ("read:members", "invite:members"), "member": ("read:members",)},
    )
    orders = Resource(
        indicator="https://api.example.test/orders",
        scopes={"read:orders": ("buyer",), "write:orders": ("buyer",), "delete:orders": ()},
    )
    machine = Machine(id=LOCAL_MACHINE[0], secret=LOCAL_MACHINE[1])
    entra_tenant = EntraTenant(id=CONTOSO.tenant_id, domain="contoso.onmicrosoft.com")
    return Tenant(
        applications={},
        connectors={},
        users={person.id: person for person in people},
        resources={orders.indicator: orders},
        organizations={contoso.id: contoso},
        machines={machine.id: machine},
        entra_tenants={entra_tenant.id: entra_tenant},
        single_sign_on_enabled=False,
    )


def _people(*, connector: str | None = None) -> tuple[User, ...]:
    origin: dict[str, Any] = {
        "connector": connector,
        "entra_tenant": CONTOSO.tenant_id,
        "created_at": _LONG_AGO * 1000,
        "updated_at": _LONG_AGO * 1000,
    }
    first, password = LOCAL_PASSWORD
    return (
        User(
            id=first,
            password=password,
            name="Alice Example",
            email="alice@contoso.com",
            picture="https://graph.microsoft.com/v1.0/me/photo/$value",
            **origin,
            roles=("buyer",),
            groups=_groups("alice", 3),
        ),
        User(
            id="bob000000001",
            name="Bob Example",
            email="bob@contoso.com",
            picture="https://pictures.contoso.example/bob.png",  # nobody can load it
            **origin,
            groups=_groups("bob", 1),
        ),
        User(
            id="grace0000001",
            name="Grace Many-Groups",
            email="grace@contoso.com",
            **origin,
            groups=_groups("grace", 250),
        ),
        User(id="nomail000001", name="Noor No-Mail", email=None, **origin),
        User(
            id="sam000000001",
            name="Sam Suspended",
            email="sam@contoso.com",
            **origin,
            suspended=True,
        ),
    )


def _groups(name: str, count: int) -> tuple[str, ...]:
    return tuple(str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name}-{n}")) for n in range(count))
