"""Read the routes from `template.yaml`, so that the local stack has the same ones."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.authorizers import Authorizer
from local.relay import Relay


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A route of the HTTP API, which either `handler` answers or `relay` forwards.

    `path` is as in the template, and `handler` Lambda's name of it.
    """

    method: str
    path: str
    handler: str = ""
    relay: Relay | None = None
    authorizer: Authorizer | None = None

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Match a request: its path parameters, or None if it is not for this route."""
        if self.method not in ("ANY", method):
            return None
        pattern = re.sub(r"\\\{(\w+)\\\+\\\}", r"(?P<\1>.+)", re.escape(self.path))
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern)
        found = re.fullmatch(pattern, path)
        return found.groupdict() if found else None


class _Loader(yaml.SafeLoader):
    """A YAML loader that reads CloudFormation's short forms as plain values."""


def _plain(loader: _Loader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _plain)


def read_template(path: Path) -> dict[str, Any]:
    """Read the template in a file, as `parse_template` does."""
    return parse_template(path.read_text())


def parse_template(text: str) -> dict[str, Any]:
    """Parse a template into plain values; intrinsic functions become their arguments."""
    template: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    return template


def routes_of(template: dict[str, Any], *, upstream: str | None = None) -> tuple[Route, ...]:
    """List the routes of all functions, those with a fixed path first, as API Gateway matches.

    Routes of the API's own definition lead to `upstream`, and are left out without one. Raises
    ValueError if API Gateway would refuse a mapping.
    """
    authorizers = _authorizers(template)
    routes = [
        Route(
            method=event["Properties"]["Method"].upper(),
            path=event["Properties"]["Path"],
            handler=function["Handler"],
            authorizer=authorizers.get(event["Properties"].get("Auth", {}).get("Authorizer")),
        )
        for function in functions_of(template).values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    ]
    routes += _relays(template, authorizers, upstream) if upstream else []
    return tuple(sorted(routes, key=lambda route: ("+}" in route.path, "{" in route.path)))


def functions_of(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties of all functions by logical id."""
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def queue_handler(template: dict[str, Any]) -> str:
    """Return the handler of the function that messages of the queue are delivered to."""
    (handler,) = (
        str(function["Handler"])
        for function in functions_of(template).values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    )
    return handler


def _api(template: dict[str, Any]) -> dict[str, Any]:
    apis: list[dict[str, Any]] = [
        resource.get("Properties", {})
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::HttpApi"
    ]
    return apis[0] if apis else {}


def _authorizers(template: dict[str, Any]) -> dict[str, Authorizer]:
    functions = functions_of(template)
    declared = _api(template).get("Auth", {}).get("Authorizers", {})
    return {
        name: Authorizer(
            handler=functions[_logical_id(entry["FunctionArn"])]["Handler"],
            identity_headers=tuple(entry.get("Identity", {}).get("Headers", ())),
        )
        for name, entry in declared.items()
    }


def _logical_id(arn: str) -> str:
    """The logical id in `!GetAtt Function.Arn` or `!Sub ${Function.Arn}:alias`."""
    return arn.removeprefix("${").partition(".")[0]


def _relays(
    template: dict[str, Any], authorizers: dict[str, Authorizer], upstream: str
) -> list[Route]:
    paths = _api(template).get("DefinitionBody", {}).get("paths", {})
    routes = []
    for path, declared in paths.items():
        methods = declared["Fn::If"][1] if "Fn::If" in declared else declared
        for name, method in methods.items():
            integration = method["x-amazon-apigateway-integration"]
            (security,) = method["security"]
            relay = Relay.of(
                integration["uri"].replace("${UpstreamUrl}", upstream),
                integration["requestParameters"],
            )
            any_method = name == "x-amazon-apigateway-any-method"
            routes.append(
                Route(
                    method="ANY" if any_method else name.upper(),
                    path=path,
                    relay=relay,
                    authorizer=authorizers[next(iter(security))],
                )
            )
    return routes
