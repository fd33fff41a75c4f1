"""From options to what a command works on: a product, where its settings are, and its Logto."""

from dataclasses import dataclass

import boto3

from provision import files
from provision.cli.options import Where
from provision.context import World, WrongUse
from provision.desired import base_url, logto_endpoint
from provision.logto_api import LogtoApi, Machine
from provision.record import Record, read_record, record_path
from provision.settings_store import EnvFile, StackStore, Store
from provision.stack import Stack, StoredText, read_stack


@dataclass(frozen=True, kw_only=True)
class Place:
    """Either a deployed stack, or a product with a `.env` file."""

    base_url: str
    store: Store
    settings: dict[str, str]
    """What is known of the product's variables already."""
    stack: Stack | None = None
    session: boto3.Session | None = None


def find_place(world: World, where: Where) -> Place:
    """Raises ProvisionFailed and WrongUse."""
    if where.base_url is not None:
        if where.stack_name is not None:
            raise WrongUse("--base-url and --stack-name do not go together: give one of them")
        path = world.root / where.env_file
        url = base_url(where.base_url, what="the base URL")
        return Place(base_url=url, store=EnvFile(path=path), settings=files.read_env(path))
    config = world.root / where.samconfig

    def default(option: str) -> str | None:
        return files.deploy_default(config, where.config_env, option)

    name = where.stack_name or default("stack_name")
    if name is None:
        name = world.ask("The stack's name", "--stack-name or --base-url")
    session = world.session(where.region or default("region"), where.profile or default("profile"))
    stack = read_stack(session, name)
    store = StackStore(
        app_secret=stored(session, stack.app_secret_arn, "app_secret"),
        signing_key=stored(session, stack.signing_key_arn, None),
        samconfig=config,
        config_env=where.config_env,
        deployed=stack.parameters,
    )
    return Place(
        base_url=stack.base_url,
        stack=stack,
        session=session,
        store=store,
        settings=settings_of(stack),
    )


def settings_of(stack: Stack) -> dict[str, str]:
    """The variables that a stack's parameters stand for, by the template's rule of names."""
    return {_variable(name): value for name, value in stack.parameters.items()}


def find_endpoint(world: World, place: Place, where: Where) -> str:
    """The Logto endpoint: the option, the environment, what is set already, or an answer.

    Raises ProvisionFailed and WrongUse.
    """
    set_already = place.settings.get("LOGTO_ENDPOINT")
    known = where.logto_endpoint or world.environment.get("LOGTO_ENDPOINT") or set_already
    question = "The Logto endpoint, such as https://tenant.logto.app"
    return logto_endpoint(known or world.ask(question, "--logto-endpoint"))


def management(world: World, endpoint: str, where: Where) -> LogtoApi:
    """The Management API, as the operator's machine-to-machine application."""
    identifier = where.management_app_id or world.environment.get("MANAGEMENT_APP_ID")
    if not identifier:
        question = "Id of the machine-to-machine application at Logto"
        identifier = world.ask(question, "--management-app-id")
    secret = world.secret("Its secret", "MANAGEMENT_APP_SECRET", where.management_secret_file)
    machine = Machine(id=identifier, secret=secret)
    return LogtoApi(endpoint, machine, resource=where.management_api)


def has_management(world: World, where: Where) -> bool:
    """Whether the Management API can be used without asking anybody."""
    identifier = where.management_app_id or world.environment.get("MANAGEMENT_APP_ID")
    secret = where.management_secret_file or world.environment.get("MANAGEMENT_APP_SECRET")
    return bool(identifier and secret)


def find_record(world: World, endpoint: str, base_url: str) -> Record:
    """What `setup` made for a product. Raises ProvisionFailed."""
    path = record_path(world.root, endpoint, base_url)
    return read_record(path, logto=endpoint, base_url=base_url)


def stored(session: boto3.Session, arn: str | None, member: str | None) -> StoredText | None:
    """The secret of an ARN, if there is one."""
    return StoredText(session, arn, member=member) if arn else None


def _variable(parameter: str) -> str:
    """`LogtoAppId` is `LOGTO_APP_ID`."""
    return "".join(f"_{c}" if c.isupper() else c for c in parameter).lstrip("_").upper()
