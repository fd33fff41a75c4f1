"""Fabrikam, a second customer: an Entra tenant, a connector at Logto, and a person."""

from dataclasses import replace
from typing import Final

from local.logto.contoso import CONTOSO
from local.logto.tenant import Tenant, User
from local.microsoft.entra_tenants import EntraTenant

FABRIKAM: Final = replace(
    CONTOSO,
    id="fabrikam0001",
    name="fabrikam",
    display_name="Fabrikam",
    domains=("fabrikam.com",),
    tenant_id="11111111-2222-4333-8444-555555555555",
)
RITA: Final = "rita00000001"
"""Id of the person who has an account in Fabrikam's Entra tenant."""


def add_fabrikam(tenant: Tenant) -> None:
    """Add Fabrikam beside Contoso."""
    tenant.entra_tenants[FABRIKAM.tenant_id] = EntraTenant(
        id=FABRIKAM.tenant_id, domain="fabrikam.onmicrosoft.com"
    )
    tenant.connectors[FABRIKAM.id] = FABRIKAM
    tenant.users[RITA] = User(
        id=RITA,
        name="Rita Example",
        email="rita@fabrikam.com",
        connector=FABRIKAM.id,
        entra_tenant=FABRIKAM.tenant_id,
    )
