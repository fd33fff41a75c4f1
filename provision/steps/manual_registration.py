"""What is known of an application that somebody registered at Entra by hand."""

from dataclasses import replace

from provision.desired import Customer, ManualRegistration, PartialRegistration
from provision.json_api import Json


def with_known(customer: Customer, config: Json) -> Customer:
    """Complete the customer's registration with what the connector has.

    Its client id counts for the same tenant, its secret for the same application only.
    """
    manual, client_id = customer.manual, customer.manual.client_id
    secret = manual.client_secret
    if config.get("issuer") == customer.issuer:
        client_id = client_id or config.get("clientId")
        if client_id == config.get("clientId"):
            secret = secret or config.get("clientSecret")
    return replace(customer, manual=PartialRegistration(client_id=client_id, client_secret=secret))


def complete(customer: Customer, config: Json) -> ManualRegistration | None:
    """Return the registration if nothing is left to ask for."""
    known = with_known(customer, config).manual
    if not known.client_id or not known.client_secret:
        return None
    return ManualRegistration(client_id=known.client_id, client_secret=known.client_secret)
