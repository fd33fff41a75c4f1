"""Microsoft's clouds: sign-in, Microsoft Graph and the scope of tokens go together."""

import dataclasses
from typing import Any

import pytest
from azure import identity

from functions.auth import entra_claims
from provision import microsoft
from provision.clouds import CLOUDS, LOGIN_HOSTS, PUBLIC, Cloud, Microsoft, microsoft_for
from provision.doctor import collect_management
from provision.errors import ProvisionFailed
from provision.graph_api import TokenSource
from provision.logto_api import LogtoApi
from provision.microsoft import Login, credentials
from provision.steps.connector import PROVIDER
from shared.settings import Settings
from tests.provision.operators import FABRIKAM, Operator, refused

PLACES = {
    Cloud.PUBLIC: ("login.microsoftonline.com", "graph.microsoft.com"),
    Cloud.USGOV: ("login.microsoftonline.us", "graph.microsoft.us"),
    Cloud.CHINA: ("login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn"),
}
DOD = "https://dod-graph.microsoft.us/v1.0"
CHINA_BY_ITS_OTHER_NAME = "https://login.chinacloudapi.cn"


@dataclasses.dataclass
class Asked:
    """Stands in for signing in to Microsoft: remembers where, and then refuses."""

    places: list[tuple[str, Microsoft]] = dataclasses.field(default_factory=list)

    def credentials(self, tenant: str, login: Login, place: Microsoft) -> TokenSource:
        self.places.append((tenant, place))

        def token() -> str:
            raise ProvisionFailed("Nobody is signed in.")

        return token


@pytest.fixture
def asked(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Let every issuer exist, and remember the sign-ins."""
    found = Asked()
    monkeypatch.setattr(operator, "credentials", found.credentials)
    monkeypatch.setattr(microsoft, "published_issuer", lambda issuer: issuer)
    return found


def setup_in(operator: Operator, *options: str) -> Any:
    common = ("--domain", "contoso.com", "--yes")
    return operator.run("setup", *operator.where(), *common, *options)


@pytest.mark.parametrize("cloud", Cloud)
def test_a_cloud_sets_sign_in_graph_and_scope_together(
    operator: Operator, asked: Asked, cloud: Cloud
) -> None:
    login, graph = PLACES[cloud]
    refused_with = "Nobody is signed in."
    result = setup_in(operator, "--cloud", cloud, "--entra-tenant", FABRIKAM)
    assert refused_with in result.err
    ((tenant, place),) = asked.places
    assert (tenant, place.cloud) == (FABRIKAM, cloud)
    assert place.authority == f"https://{login}"
    assert place.graph == f"https://{graph}/v1.0"
    assert place.scope == f"https://{graph}/.default"


@pytest.mark.parametrize("host", LOGIN_HOSTS)
def test_the_cloud_of_an_issuer_is_used_without_an_option(
    operator: Operator, asked: Asked, host: str
) -> None:
    setup_in(operator, "--issuer", f"https://{host}/{FABRIKAM}/v2.0")
    assert asked.places == [(FABRIKAM, CLOUDS[LOGIN_HOSTS[host]])]


@pytest.mark.parametrize("cloud", Cloud)
def test_the_instructions_name_the_console_of_the_cloud(
    operator: Operator, asked: Asked, cloud: Cloud
) -> None:
    operator.answers = ["client-id", "client-secret"]
    options = ("--cloud", cloud, "--entra-tenant", FABRIKAM, "--manual-entra", "--dry-run")
    assert f"({CLOUDS[cloud].console})" in setup_in(operator, *options).err
    assert asked.places == []


def test_doctor_asks_the_graph_of_each_connectors_cloud(
    operator: Operator, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One Logto can have customers in every cloud."""
    connectors = [
        {
            "id": f"connector-{host}",
            "connectorName": host,
            "providerName": PROVIDER,
            "config": {"issuer": f"https://{host}/{FABRIKAM}/v2.0", "clientId": "c"},
        }
        for host in LOGIN_HOSTS
    ]
    monkeypatch.setattr(LogtoApi, "connectors", lambda api: connectors)
    monkeypatch.setattr(collect_management, "published_issuer", lambda issuer: issuer)
    operator.run("doctor", *operator.where(), "--check-entra", "--json")
    assert [place for _, place in asked.places] == [CLOUDS[one] for one in LOGIN_HOSTS.values()]


US = f"https://login.microsoftonline.us/{FABRIKAM}/v2.0"
CONFLICTS = {
    "an issuer of another cloud": ("--cloud", "public", "--issuer", US),
    "the sign-in of another cloud": (
        *("--cloud", "china", "--entra-authority", "https://login.microsoftonline.us"),
        *("--entra-tenant", FABRIKAM),
    ),
    "the Graph of another cloud": (
        *("--cloud", "public", "--graph-endpoint", DOD),
        *("--entra-tenant", FABRIKAM),
    ),
    "a sign-in and a Graph of different clouds": (
        *("--entra-authority", "https://login.microsoftonline.us"),
        *("--graph-endpoint", "https://graph.microsoft.com/v1.0", "--entra-tenant", FABRIKAM),
    ),
    "the public Graph for an issuer of another cloud": (
        *("--graph-endpoint", "https://graph.microsoft.com/v1.0", "--issuer", US),
    ),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_options_of_different_clouds_are_refused(
    operator: Operator, asked: Asked, name: str
) -> None:
    refused(setup_in(operator, *CONFLICTS[name]), "These are of different clouds", "Pass --cloud")
    assert asked.places == []


def test_a_tenant_that_turns_out_to_be_of_another_cloud_is_refused(
    operator: Operator, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microsoft, "published_issuer", lambda issuer: US)
    result = setup_in(operator, "--cloud", "public", "--entra-tenant", FABRIKAM)
    refused(result, f"{US} is of the cloud usgov", "Pass --cloud usgov")
    setup_in(operator, "--entra-tenant", FABRIKAM)
    assert asked.places == [(FABRIKAM, CLOUDS[Cloud.USGOV])]


def test_a_cloud_that_does_not_exist_is_a_mistake(operator: Operator) -> None:
    result = setup_in(operator, "--cloud", "germany", "--entra-tenant", FABRIKAM)
    assert result.code == 2
    assert "'public', 'usgov', 'china'" in result.err


def test_the_graph_of_the_department_of_defense_gets_tokens_of_its_own() -> None:
    found = microsoft_for(None, graph=DOD)
    assert found.authority == "https://login.microsoftonline.us"
    assert found.scope == "https://dod-graph.microsoft.us/.default"


class Recorded:
    """Stands in for a class of azure-identity."""

    options: dict[str, Any]

    def __init__(self, **options: Any) -> None:
        type(self).options = options


@pytest.mark.parametrize("cloud", Cloud)
@pytest.mark.parametrize(
    ("login", "name"),
    [
        (Login.DEFAULT, "DefaultAzureCredential"),
        (Login.BROWSER, "InteractiveBrowserCredential"),
        (Login.DEVICE_CODE, "DeviceCodeCredential"),
    ],
)
def test_azure_identity_signs_in_at_the_cloud(
    monkeypatch: pytest.MonkeyPatch, cloud: Cloud, login: Login, name: str
) -> None:
    monkeypatch.setattr(identity, name, Recorded)
    credentials(FABRIKAM, login, CLOUDS[cloud])
    assert Recorded.options["authority"] == f"https://{PLACES[cloud][0]}"


@pytest.mark.parametrize(
    ("cloud", "words"),
    [
        (Cloud.PUBLIC, "Run `az login --tenant"),
        (Cloud.USGOV, "Run `az cloud set --name AzureUSGovernment` and `az login --tenant"),
        (Cloud.CHINA, "Run `az cloud set --name AzureChinaCloud` and `az login --tenant"),
    ],
)
def test_a_failed_sign_in_names_the_azure_clis_cloud(
    monkeypatch: pytest.MonkeyPatch, cloud: Cloud, words: str
) -> None:
    monkeypatch.setattr(identity, "AzureCliCredential", Refusing)
    with pytest.raises(ProvisionFailed, match=words):
        credentials(FABRIKAM, Login.CLI, CLOUDS[cloud])()


class Refusing(Recorded):
    def get_token(self, *scopes: str, **options: Any) -> None:
        raise identity.CredentialUnavailableError(message="not signed in")


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_sign_in_with_certificates_that_do_not_exist_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "/nowhere/at-all.pem")
    with pytest.raises(ProvisionFailed, match=f"^{variable} names certificates"):
        credentials(FABRIKAM, Login.DEFAULT)


def test_nobody_signs_in_without_tls() -> None:
    stand_in = dataclasses.replace(PUBLIC, authority="http://localhost:3100/entra")
    with pytest.raises(ProvisionFailed, match=r"without TLS.*--manual-entra"):
        credentials(FABRIKAM, Login.DEFAULT, stand_in)


def test_the_product_knows_the_issuers_of_every_cloud() -> None:
    assert LOGIN_HOSTS.keys() == entra_claims.LOGIN_HOSTS
    settings = Settings.from_environment(
        {
            "LOGTO_ENDPOINT": "https://tenant.logto.app",
            "LOGTO_APP_ID": "app",
            "LOGTO_APP_SECRET": "secret",
            "BASE_URL": "https://app.example.com",
            "TABLE_NAME": "sign-in",
        }
    )
    for place in CLOUDS.values():
        assert entra_claims.is_login_url(f"{place.authority}/{FABRIKAM}", settings)
