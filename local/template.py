"""What the local stack reads from `template.yaml`, so that both route alike."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A route of the HTTP API: `path` as in the template, `handler` as Lambda names it."""

    method: str
    path: str
    handler: str

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
    """The template as plain values; intrinsic functions stand as their arguments."""
    template: dict[str, Any] = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506 - it is safe
    return template


def routes_of(template: dict[str, Any]) -> tuple[Route, ...]:
    """The routes of every function, those with a fixed path first, as API Gateway prefers them."""
    routes = [
        Route(
            method=event["Properties"]["Method"].upper(),
            path=event["Properties"]["Path"],
            handler=resource["Properties"]["Handler"],
        )
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "HttpApi"
    ]
    return tuple(sorted(routes, key=lambda route: ("+}" in route.path, "{" in route.path)))
