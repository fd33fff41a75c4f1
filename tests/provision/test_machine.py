"""Wrong settings of the machine itself: one line that names them, exit 1, and no traceback."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    LoginRefreshRequired,
    SSLError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from provision.aws import aws_errors_translated
from provision.errors import NoAnswer, ProvisionFailed
from provision.http import JsonClient
from provision.machine import authorities, proxy_for
from tests.provision.operators import Operator, closed_port, contoso, refused

NOWHERE = "/nowhere/at-all"
SSO = """\
[profile work]
region = eu-central-1
sso_start_url = https://x.awsapps.com/start
sso_region = eu-central-1
sso_account_id = 111111111111
sso_role_name = operator
"""
CONFIG = {
    "a section without an end": "[default",
    "a line without a value": "[default]\nregion\n= 3",
    "a byte order mark": "\ufeff[default]\nregion = eu-central-1\n",
}
PROCESS = "[profile work]\nregion = eu-central-1\ncredential_process = "

AWS_FAULTS: dict[str, tuple[dict[str, str | None], tuple[str, ...]]] = {
    "an endpoint without a scheme": (
        {"AWS_ENDPOINT_URL": "localhost:4566"},
        ("Write AWS_ENDPOINT_URL with http:// or https://",),
    ),
    "an endpoint of one service without a scheme": (
        {
            "AWS_ENDPOINT_URL": None,
            "AWS_ENDPOINT_URL_CLOUDFORMATION": "cloudformation.internal",
            "AWS_ENDPOINT_URL_LAMBDA": "lambda.internal",
        },
        ("Write AWS_ENDPOINT_URL_CLOUDFORMATION with http:// or https://",),
    ),
    "an endpoint without a host": (
        {"AWS_ENDPOINT_URL": "https://"},
        ("Write AWS_ENDPOINT_URL with http:// or https:// and a host",),
    ),
    "a profile that does not exist": (
        {"AWS_PROFILE": "nobody"},
        ("There is no profile nobody", "aws configure list-profiles", "--profile"),
    ),
    "no region": ({"AWS_DEFAULT_REGION": None}, ("--region", "AWS_DEFAULT_REGION")),
    "an empty region": ({"AWS_DEFAULT_REGION": ""}, ("--region", "AWS_DEFAULT_REGION")),
    "a region with a space": ({"AWS_DEFAULT_REGION": "eu central"}, ("AWS_DEFAULT_REGION",)),
    "no credentials": (
        {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
        ("run `aws sso login`", "AWS_PROFILE"),
    ),
    "half of the credentials": (
        {"AWS_SECRET_ACCESS_KEY": None},
        ("lack AWS_SECRET_ACCESS_KEY",),
    ),
    "attempts that are not a number": (
        {"AWS_MAX_ATTEMPTS": "many"},
        ("Check AWS_MAX_ATTEMPTS.",),
    ),
    "a mode of retries": ({"AWS_RETRY_MODE": "always"}, ("Check AWS_RETRY_MODE.",)),
    "a mode of defaults": ({"AWS_DEFAULTS_MODE": "best"}, ("Check AWS_DEFAULTS_MODE.",)),
    "a token file that does not exist": (
        {
            "AWS_ACCESS_KEY_ID": None,
            "AWS_SECRET_ACCESS_KEY": None,
            "AWS_WEB_IDENTITY_TOKEN_FILE": NOWHERE,
            "AWS_ROLE_ARN": "arn:aws:iam::111111111111:role/operator",
        },
        ("Check AWS_WEB_IDENTITY_TOKEN_FILE", "No such file or directory"),
    ),
    "an authority of containers that is not allowed": (
        {
            "AWS_ACCESS_KEY_ID": None,
            "AWS_SECRET_ACCESS_KEY": None,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://containers.example.com/",
        },
        ("AWS cannot be used",),
    ),
    "certificates that do not exist": (
        {"AWS_ENDPOINT_URL": "https://127.0.0.1:9", "AWS_CA_BUNDLE": NOWHERE},
        ("AWS_CA_BUNDLE names certificates that cannot be used",),
    ),
    "a proxy that is not valid": (
        {"AWS_ENDPOINT_URL": None, "HTTPS_PROXY": "http://[::1"},
        ("HTTPS_PROXY is not the address of an HTTP proxy",),
    ),
    "a proxy that is not there": (
        {"AWS_ENDPOINT_URL": None, "HTTPS_PROXY": "http://127.0.0.1:9"},
        ("Check the network", "HTTPS_PROXY"),
    ),
}


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let nothing answer in the place of AWS, and nothing of the machine be seen."""
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(variable, str(tmp_path / f"no-{variable}"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    authorities.cache_clear()


def change(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)


def commands(operator: Operator) -> list[tuple[str, ...]]:
    """Return commands that need AWS: of a stack, and of its admin function."""
    where = ("--stack-name", "signin", "--logto-endpoint", operator.logto)
    return [
        ("setup", *where, *contoso()),
        ("setup", "connector", "list", *where),
        ("doctor", *where, "--json"),
        ("teardown", *where, "--yes"),
        ("sessions", "list", "--user", "alice", "--stack-name", "signin", "--json"),
    ]


@pytest.mark.parametrize("name", AWS_FAULTS)
def test_a_setting_of_aws_that_is_wrong_is_named_by_every_command(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    variables, words = AWS_FAULTS[name]
    change(monkeypatch, variables)
    for command in commands(operator):
        refused(operator.run(*command), *words)


@pytest.mark.parametrize("name", CONFIG)
@pytest.mark.parametrize("variable", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
def test_a_broken_configuration_of_aws_is_named(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, variable: str, name: str
) -> None:
    file = operator.root / "aws-config"
    file.write_text(CONFIG[name])
    monkeypatch.setenv(variable, str(file))
    for command in commands(operator):
        refused(operator.run(*command), f"Repair {file}")


@pytest.mark.parametrize(
    ("process", "words"),
    [(NOWHERE, f"{NOWHERE} cannot be used"), ("echo no-json", "Check"), ("false", "Check")],
)
def test_a_credential_process_that_fails_names_the_profile(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, process: str, words: str
) -> None:
    file = operator.root / "aws-config"
    file.write_text(PROCESS + process)
    change(monkeypatch, {"AWS_CONFIG_FILE": str(file), "AWS_PROFILE": "work"})
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    for command in commands(operator):
        refused(operator.run(*command), "the AWS profile work", words)


def test_a_sign_in_by_sso_that_is_missing_names_the_command(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = operator.root / "aws-config"
    file.write_text(SSO)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    for command in commands(operator):
        result = operator.run(*command, "--profile", "work")
        refused(result, "run `aws sso login --profile work`")


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (UnauthorizedSSOTokenError(), "run `aws sso login --profile work`"),
        (SSOTokenLoadError(error_msg="with a secret"), "run `aws sso login --profile work`"),
        (
            TokenRetrievalError(provider="sso", error_msg="with a secret"),
            "run `aws sso login --profile work`",
        ),
        (LoginRefreshRequired(), "run `aws login --profile work`"),
        (SSLError(endpoint_url="https://x", error=OSError("with a secret")), "AWS_CA_BUNDLE"),
    ],
)
def test_a_sign_in_that_has_expired_names_the_command(failure: Exception, words: str) -> None:
    with (
        pytest.raises(ProvisionFailed, match=words) as raised,
        aws_errors_translated("reading the stack x", profile="work"),
    ):
        raise failure
    assert "with a secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ExpiredToken", "have expired: run `aws sso login --profile work`"),
        ("ExpiredTokenException", "have expired"),
        ("InvalidClientTokenId", "does not accept your credentials"),
        ("UnrecognizedClientException", "does not accept your credentials"),
        ("RequestTimeTooSkewed", "Set the clock"),
        ("AccessDenied", "your permissions"),
    ],
)
def test_a_refusal_of_aws_says_what_to_do(code: str, words: str) -> None:
    refusal = ClientError({"Error": {"Code": code, "Message": "with a secret"}}, "DescribeStacks")
    with (
        pytest.raises(ProvisionFailed, match=words) as raised,
        aws_errors_translated("reading the stack x", profile="work"),
    ):
        raise refusal
    assert code in str(raised.value)
    assert "with a secret" not in str(raised.value)


def test_an_exception_of_a_library_is_one_line_and_our_own_is_not_hidden(
    operator: Operator,
) -> None:
    def of_a_library(region: str | None, profile: str | None) -> boto3.Session:
        session = boto3.Session(region_name=region)
        session.client("no-such-service")  # type: ignore[call-overload]
        return session

    def of_ours(region: str | None, profile: str | None) -> boto3.Session:
        raise ValueError("a mistake in the program")

    command = commands(operator)[0]
    operator.session = of_a_library
    refused(operator.run(*command), "botocore cannot use the network (UnknownServiceError)")
    operator.session = of_ours
    with pytest.raises(ValueError, match="a mistake"):
        operator.run(*command)


PASSWORD = "hunter2"
PROXIES = (
    "socks5://127.0.0.1:1080",
    f"socks5h://user:{PASSWORD}@127.0.0.1:1080",
    "ftp://proxy.example.com",
    "http://[::1",
    "http://proxy.example.com:port",
    f"http://user:{PASSWORD}@proxy.example.com:80:80",
    "http://",
    "://proxy",
)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("proxy", PROXIES)
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str
) -> None:
    monkeypatch.setenv(variable, proxy)
    result = operator.setup("--issuer", "https://login.example.com/x/v2.0")
    refused(result, f"{variable} is not the address of an HTTP proxy")
    assert PASSWORD not in result.err
    assert operator.setup().code == 0  # everything else is on this machine


def test_a_proxy_that_does_not_answer_is_named(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{closed_port()}")
    monkeypatch.setenv("NO_PROXY", "fe80::/10, [fd00::]/8,::1/128")
    result = operator.setup("--issuer", "https://login.example.com/x/v2.0")
    refused(result, "cannot be reached (ConnectError)", "Check HTTPS_PROXY")


@pytest.mark.parametrize(
    ("exceptions", "excepted", "proxied"),
    [
        ("fe80::/10", ("[fe80::1]", "[febf::1]:8443"), ("[fd00::1]", "10.0.0.1", "a.test")),
        ("[fd00::]/8", ("[fdff::1]",), ("[fe80::1]",)),
        ("[fd00::1]", ("[fd00::1]",), ("[fd00::2]",)),
        ("fd00::1", ("[fd00::1]:443",), ("[fd00::2]",)),
        ("10.0.0.0/8,192.168.0.0/16", ("10.1.2.3", "192.168.1.1:99"), ("11.0.0.1",)),
        ("10.1.2.3/8", ("10.9.9.9",), ("11.0.0.1",)),
        ("a.test, .b.test", ("a.test", "x.a.test", "x.b.test"), ("aa.test", "c.test")),
        ("*", ("a.test", "10.0.0.1", "[fd00::1]"), ()),
        (",, /,x/y,::/999,*.c.test", (), ("a.test", "10.0.0.1")),
    ],
)
def test_exceptions_from_the_proxy_are_names_addresses_and_ranges(
    monkeypatch: pytest.MonkeyPatch,
    exceptions: str,
    excepted: tuple[str, ...],
    proxied: tuple[str, ...],
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert [host for host in excepted if proxy_for(f"https://{host}/x") is not None] == []
    assert [host for host in proxied if proxy_for(f"https://{host}/x") is None] == []
    assert proxy_for("http://a.test/") is None


CERTIFICATES = {
    "a file that does not exist": ("SSL_CERT_FILE", NOWHERE),
    "a folder as file": ("SSL_CERT_FILE", "."),
    "a file without certificates": ("SSL_CERT_FILE", __file__),
    "a folder that does not exist": ("SSL_CERT_DIR", NOWHERE),
    "a file as folder": ("SSL_CERT_DIR", __file__),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificates_that_cannot_be_used_are_named_only_if_they_are_needed(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    variable, value = CERTIFICATES[name]
    monkeypatch.setenv(variable, value)
    refused(
        operator.setup("--issuer", "https://login.example.com/x/v2.0"),
        variable,
        "Correct it, or unset it.",
    )
    assert operator.setup().code == 0  # nothing is encrypted on this machine


def test_a_log_of_keys_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", f"{NOWHERE}/keys")
    with pytest.raises(ProvisionFailed, match="The file that SSLKEYLOGFILE names"):
        JsonClient("https://login.example.com", name="Logto")


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a server with a certificate of its own making."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.NameAttribute(NameOID.COMMON_NAME, "x"),
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(x509.Name([name]), x509.Name([name]), key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = tmp_path / "server.pem"
    file.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_certificate_that_is_not_trusted_is_told_from_a_service_that_is_not_there(
    encrypted: str,
) -> None:
    with (
        JsonClient(encrypted, name="Logto") as http,
        pytest.raises(NoAnswer, match="a certificate that this machine does not trust") as told,
    ):
        http.send("GET", "/")
    assert "SSL_CERT_FILE" in str(told.value)


@pytest.mark.parametrize("argument", ["\udcff", "--name=\udcff"])
def test_an_argument_that_is_not_text_is_a_mistake(operator: Operator, argument: str) -> None:
    refused(operator.setup(argument), "is not valid UTF-8", code=2)
