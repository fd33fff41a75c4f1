"""Groups of options, each one frozen dataclass: Typer itself only knows single parameters.

A command takes groups as arguments. `grouped` gives Typer a function which has every option of
those groups as a parameter of its own, and builds the groups from what Typer passes.
"""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, get_type_hints

import typer

Command = Callable[..., None]


def grouped(command: Command) -> Command:
    """Return a function that Typer can register, with the groups of `command` spread out."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}

    def flat(**given: Any) -> None:
        built = {
            name: kind(**{field.name: given.pop(field.name) for field in fields(kind)})
            for name, kind in groups.items()
        }
        command(**given, **built)

    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in groups:
            parameters += _parameters(groups[name])
        else:
            parameters.append(
                parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name])
            )
    # Typer reads these four, and nothing else, of a function.
    flat.__doc__ = command.__doc__
    flat.__name__ = command.__name__
    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    flat.__annotations__ = {p.name: p.annotation for p in parameters}
    return flat


def command(app: typer.Typer, name: str) -> Callable[[Command], Command]:
    """Register a command that takes groups of options."""

    def register(function: Command) -> Command:
        app.command(name)(grouped(function))
        return function

    return register


def _parameters(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(field),
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]


def _default(field: "Field[Any]") -> Any:
    return inspect.Parameter.empty if field.default is MISSING else field.default
