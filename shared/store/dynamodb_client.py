"""The DynamoDB client, made for less than `boto3.client` or botocore's own session make it.

It is the same client class with the same settings of botocore's. Nothing is loaded for S3's
transfers and boto3's resources, and of botocore's handlers of events only those are registered that
a call to DynamoDB can reach: most belong to other services and to generated documentation.
"""

from typing import TYPE_CHECKING, Any, cast

from botocore import handlers
from botocore.config import Config
from botocore.session import Session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SERVICES = ("*", "dynamodb")


def make_client(config: Config) -> "DynamoDBClient":
    """A client with these limits. Region, endpoint and credentials are botocore's own settings
    (`AWS_DEFAULT_REGION`, `AWS_ENDPOINT_URL_DYNAMODB`)."""
    session = Session(include_builtin_handlers=False)
    _register_handlers(session)
    client: Any = session.create_client("dynamodb", config=config)
    return cast("DynamoDBClient", client)


def _register_handlers(session: Session) -> None:
    events: Any = session.get_component("event_emitter")
    places = {
        handlers.REGISTER_FIRST: events.register_first,
        handlers.REGISTER_LAST: events.register_last,
    }
    builtin: Any = handlers.BUILTIN_HANDLERS
    for event, handler, *place in builtin:
        if _concerns_dynamodb(event):
            register = places[place[0]] if place else events.register
            register(event, handler)


def _concerns_dynamodb(event: str) -> bool:
    """Whether a DynamoDB client can emit it: the second part of an event's name is the service."""
    kind, _, rest = event.partition(".")
    return kind != "docs" and (not rest or rest.partition(".")[0] in _SERVICES)
