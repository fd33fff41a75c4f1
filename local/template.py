"""What the local stack reads from `template.yaml`, so that both route alike."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.authorizers import Authorizer
from local.relay import Relay


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A route of the HTTP API: `path` as in the template. Either `handler`, as Lambda names it,
    answers, or `relay` sends the request on."""

    method: str
    path: str
    handler: str = ""
    relay: Relay | None = None
    authorizer: Authorizer | None = None

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The path parameters of a request that this route takes, else None."""
        if self.method not in ("ANY", method):
            return None
        pattern = re.sub(r"\\\{(\w+)\\\+\\\}", r"(?P<\1>.+)", re.escape(self.path))
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern)
        found = re.fullmatch(pattern, path)
        return found.groupdict() if found else None


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as plain values."""


def _plain(loader: _Loader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _plain)


def read_template(path: Path) -> dict[str, Any]:
    """The template of a file, as `parse_template` reads it."""
    return parse_template(path.read_text())


def parse_template(text: str) -> dict[str, Any]:
    """The template as plain values; intrinsic functions stand as their arguments."""
    template: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506 - it is safe
    return template


def routes_of(template: dict[str, Any], *, upstream: str | None = None) -> tuple[Route, ...]:
    """The routes of every function, those with a fixed path first, as API Gateway prefers them.

    Routes of the API's own definition lead to `upstream`, and are left out where there is none.
    Raises ValueError for a mapping that API Gateway would refuse.
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
    """The properties of every function, by its logical id."""
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


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
    """The function that `!GetAtt Function.Arn` or `!Sub ${Function.Arn}:alias` names."""
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
