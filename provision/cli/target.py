"""From options to the target of a command: a product, its settings, and its Logto."""

from dataclasses import dataclass

import boto3

from provision import files
from provision.cli.options import TargetOptions
from provision.context import Context, UsageError, only_visible
from provision.desired import Product, base_url, logto_endpoint
from provision.logto_api import LogtoApi, Machine
from provision.record import Record, read_record, record_path
from provision.settings_left import PlacedSettings
from provision.settings_store import EnvFileStore, StackStore, variable_of
from provision.stack import Stack, StoredSecret, read_stack


@dataclass(frozen=True, kw_only=True)
class Target:
    """A deployed stack, or a product with a `.env` file, and the Logto that it uses."""

    product: Product
    endpoint: str
    """The Logto endpoint."""
    store: PlacedSettings
    settings: dict[str, str]
    """The variables of the product that are known already."""
    stack: Stack | None = None
    session: boto3.Session | None = None


def find_target(context: Context, options: TargetOptions, *, name: str = "") -> Target:
    """Find what the options name; `name` is the product's. Raises ProvisionFailed, UsageError."""
    if options.base_url is None:
        return _stack_target(context, options, name)
    if options.stack_name is not None:
        raise UsageError("--base-url and --stack-name exclude each other. Pass one of them.")
    path = context.root / options.env_file
    url = base_url(options.base_url, what="The base URL")
    settings = files.read_env(path)
    return Target(
        product=Product(name=name, base_url=url),
        endpoint=_endpoint(context, settings, options),
        store=EnvFileStore(path=path),
        settings=settings,
    )


def management(context: Context, target: Target, options: TargetOptions) -> LogtoApi:
    """Return the Management API, called as the operator's machine-to-machine application.

    Raises ProvisionFailed and UsageError.
    """
    identifier = options.management_app_id or context.environment.get("MANAGEMENT_APP_ID")
    if not identifier:
        question = "Id of the machine-to-machine application at Logto"
        identifier = context.ask(question, "--management-app-id")
    identifier = only_visible(identifier, "MANAGEMENT_APP_ID", what="id")
    secret = context.secret("Its secret", "MANAGEMENT_APP_SECRET", options.management_secret_file)
    machine = Machine(id=identifier, secret=secret)
    return LogtoApi(target.endpoint, machine, resource=options.management_api)


def has_management(context: Context, options: TargetOptions) -> bool:
    """Tell whether the Management API can be used without asking a question."""
    identifier = options.management_app_id or context.environment.get("MANAGEMENT_APP_ID")
    secret = options.management_secret_file or context.environment.get("MANAGEMENT_APP_SECRET")
    return bool(identifier and secret)


def find_record(context: Context, target: Target) -> Record:
    """Read the record of what `setup` made for a product. Raises ProvisionFailed."""
    base_url = target.product.base_url
    path = record_path(context.root, target.endpoint, base_url)
    return read_record(path, logto=target.endpoint, base_url=base_url)


def _stack_target(context: Context, options: TargetOptions, name: str) -> Target:
    config = context.root / options.samconfig

    def default(option: str) -> str | None:
        return files.deploy_default(config, options.config_env, option)

    stack_name = options.stack_name or default("stack_name")
    if stack_name is None:
        stack_name = context.ask("Name of the stack", "--stack-name or --base-url")
    region, profile = options.region or default("region"), options.profile or default("profile")
    session = context.session(region, profile)
    stack = read_stack(session, stack_name)
    store = StackStore(
        app_secret=_stored(session, stack.app_secret_arn, "app_secret"),
        signing_key=_stored(session, stack.signing_key_arn, None),
        samconfig=config,
        config_env=options.config_env,
        deployed=stack.parameters,
    )
    product = Product(name=name, base_url=stack.base_url)
    settings = {variable_of(parameter): value for parameter, value in stack.parameters.items()}
    return Target(
        product=product,
        endpoint=_endpoint(context, settings, options),
        store=store,
        settings=settings,
        stack=stack,
        session=session,
    )


def _endpoint(context: Context, settings: dict[str, str], options: TargetOptions) -> str:
    """Take the Logto endpoint from the option, the environment, the settings, or an answer."""
    given = options.logto_endpoint or context.environment.get("LOGTO_ENDPOINT")
    known = given or settings.get("LOGTO_ENDPOINT")
    question = "The Logto endpoint, such as https://tenant.logto.app"
    return logto_endpoint(known or context.ask(question, "--logto-endpoint"))


def _stored(session: boto3.Session, arn: str | None, member: str | None) -> StoredSecret | None:
    return StoredSecret(session, arn, member=member) if arn else None
