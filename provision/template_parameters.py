"""The parameters that `template.yaml` declares, and CloudFormation's own checks of values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import yaml

from provision.errors import ProvisionFailed
from provision.text_file import read_text

_CONSTRAINT: Final = "ConstraintDescription"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `declared` is its entry in the template."""

    name: str
    declared: Mapping[str, Any]

    @property
    def default(self) -> str | None:
        """The value that a first deployment uses; None if it must be given."""
        value = self.declared.get("Default")
        return None if value is None else str(value)

    def check(self, value: str) -> None:
        """Check a value as CloudFormation does. Raises ProvisionFailed."""
        allowed = self.declared.get("AllowedValues")
        if allowed is not None and value not in map(str, allowed):
            self._refuse(f"one of {', '.join(map(str, allowed))}")
        if self.declared.get("Type") == "Number":
            self._check_number(value)
        pattern = self.declared.get("AllowedPattern")
        if pattern is not None and not re.search(pattern, value):
            self._refuse(self.declared.get(_CONSTRAINT) or "a value of the form in the template")
        longest = self.declared.get("MaxLength")
        if longest is not None and len(value) > longest:
            self._refuse(f"of at most {longest} characters")

    def _check_number(self, value: str) -> None:
        if not re.fullmatch(r"-?[0-9]{1,18}", value):
            self._refuse("a whole number")
        least, most = self.declared.get("MinValue"), self.declared.get("MaxValue")
        if least is not None and int(value) < least:
            self._refuse(f"at least {least}")
        if most is not None and int(value) > most:
            self._refuse(f"at most {most}")

    def _refuse(self, wanted: str) -> None:
        raise ProvisionFailed(f"{self.name} must be {wanted}.")


class _Loader(yaml.SafeLoader):
    """Reads a template without its functions, such as `!Ref`."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


def read_template_parameters(path: Path) -> dict[str, Parameter]:
    """Read the parameters that a template declares, by name. Raises ProvisionFailed."""
    try:
        # A subclass of the safe loader, which makes no objects.
        template = yaml.load(read_text(path), Loader=_Loader)  # noqa: S506
    except yaml.YAMLError:
        raise ProvisionFailed(f"{path} is not YAML.") from None
    declared = template.get("Parameters") if isinstance(template, dict) else None
    if not isinstance(declared, dict):
        raise ProvisionFailed(f"{path} is not a template with parameters.")
    return {name: Parameter(name, entry) for name, entry in declared.items()}


def parameter_named(name: str, declared: Mapping[str, Parameter]) -> Parameter:
    """Find a parameter. Raises ProvisionFailed, which names the one that was probably meant."""
    if name in declared:
        return declared[name]
    # Variables of the product are often taken for the parameters that set them.
    plain = {each.lower(): each for each in declared}
    near = get_close_matches(name.lower().replace("_", ""), plain, n=1)
    advice = f"The nearest is {plain[near[0]]}." if near else "README.md has a list of them."
    raise ProvisionFailed(f"{name[:60]} is not a parameter of the template.", advice)
