"""Set the stand-in up for the product, with the code of `python -m provision setup`."""

from collections.abc import Mapping
from typing import NoReturn

import httpx

from local.logto.contoso import CONTOSO, LOCAL_MACHINE
from local.logto.server import StandIn
from provision.desired import Customer, Product
from provision.graph_api import GraphApi
from provision.logto_api import LogtoApi, Machine
from provision.microsoft import issuer_of
from provision.record import Record
from provision.run import Run
from provision.setup import SetupServices, set_up


class _NoStore:
    """Stores no settings: the stand-in's first ids are preset, so they are known before."""

    def secret(self) -> str | None:
        return None

    def ensure(self, run: Run, values: Mapping[str, str]) -> None:
        pass

    def clear(self, run: Run, name: str, value: str) -> None:
        pass


def set_up_stand_in(stand_in: StandIn, base_url: str) -> None:
    """Create the application, the webhook and a connector to Contoso. Raises ProvisionFailed."""
    product = Product(name="Local application", base_url=base_url)
    customer = Customer(
        connector_name="contoso",
        display_name=CONTOSO.display_name,
        issuer=issuer_of(CONTOSO.tenant_id, authority=f"{stand_in.url}/entra"),
        domains=CONTOSO.domains,
        trust_unverified_email=True,
        group_claims=True,
    )
    machine = Machine(id=LOCAL_MACHINE[0], secret=LOCAL_MACHINE[1])
    token = _graph_token(stand_in)
    with (
        LogtoApi(stand_in.url, machine) as api,
        GraphApi(lambda: token, endpoint=f"{stand_in.url}/graph/v1.0") as graph,
    ):
        services = SetupServices(
            api=api, graph_for=lambda _: graph, ask=_never_asked, now=stand_in.state.clock()
        )
        run = Run(record=Record(logto=stand_in.url, base_url=base_url))
        set_up(run, services, product, (customer,), _NoStore())


def _graph_token(stand_in: StandIn) -> str:
    url = f"{stand_in.url}/entra/{CONTOSO.tenant_id}/oauth2/v2.0/token"
    answer = httpx.post(url, data={"grant_type": "client_credentials"}, trust_env=False)
    return str(answer.raise_for_status().json()["access_token"])


def _never_asked(customer: Customer) -> NoReturn:
    raise AssertionError("the application is registered by Graph")
