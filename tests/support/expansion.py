"""The template as CloudFormation gets it: expanded by SAM's translator, with no conditions."""

import copy
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parent.parent.parent
REGION, ACCOUNT, STACK = "eu-central-1", "123456789012", "serverless-sign-in"
BUCKET, CODE = "artifacts", "code.zip"
REQUIRED = {"LogtoEndpoint": "https://tenant.logto.app", "LogtoAppId": "local-app"}
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}
_NOTHING = {"Ref": "AWS::NoValue"}

Template = dict[str, Any]


@cache
def source(name: str = "template.yaml") -> Template:
    """Read the template as written, with intrinsic functions in their long form."""
    parse: Any = yaml_parse
    read: Template = parse((ROOT / name).read_text())
    return read


def parameters(**given: str) -> dict[str, str]:
    """Return the values of all parameters: the given ones, else the defaults."""
    declared = source()["Parameters"]
    defaults = {n: str(p["Default"]) for n, p in declared.items() if "Default" in p}
    assert set(given) <= set(declared), set(given) - set(declared)
    return {**defaults, **REQUIRED, **given}


def expanded(values: Mapping[str, str]) -> Template:
    """Apply SAM's transform to the template, as if the code had been uploaded."""
    template = copy.deepcopy(source())
    for resource in template["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource["Properties"]:
                resource["Properties"][name] = f"s3://{BUCKET}/{CODE}"
    translator = Translator(
        managed_policy_map={},
        sam_parser=Parser(),
        boto_session=boto3.Session(region_name=REGION),
    )
    result: Template = translator.translate(template, dict(values))
    return result


def decided(template: Template, values: Mapping[str, str], *, region: str = REGION) -> Template:
    """Decide all conditions by these parameters, and return what remains of the template."""
    decide = _Decision(template.get("Conditions", {}), {**PSEUDO, "AWS::Region": region, **values})
    result = {name: part for name, part in template.items() if name != "Conditions"}
    # The linter judges a reference by the parameter's default, so the value becomes the default.
    result["Parameters"] = {
        name: {**declared, "Default": int(given) if declared["Type"] == "Number" else given}
        for name, declared in template["Parameters"].items()
        for given in [values[name]]
    }
    for section in ("Resources", "Outputs"):
        result[section] = {
            name: decide.plain({key: value for key, value in entry.items() if key != "Condition"})
            for name, entry in template.get(section, {}).items()
            if "Condition" not in entry or decide.holds({"Condition": entry["Condition"]})
        }
    return result


def broken_rules(values: Mapping[str, str]) -> list[str]:
    """Return the template's rules by which CloudFormation refuses these parameters."""
    decide = _Decision(source()["Conditions"], {**PSEUDO, **values})
    return [
        assertion["AssertDescription"]
        for rule in source()["Rules"].values()
        if decide.holds(rule["RuleCondition"])
        for assertion in rule["Assertions"]
        if not decide.holds(assertion["Assert"])
    ]


def of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of every resource of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def lint_faults(template: Template) -> list[str]:
    """Lint a decided template with cfn-lint. It may leave parameters unused (W2001)."""
    config = ManualArgs(regions=[REGION], ignore_checks=["W2001"])
    return [f"{match.rule.id} {match}" for match in lint(json.dumps(template), config=config)]


class _Decision:
    """Evaluates conditions with given values."""

    def __init__(self, conditions: Mapping[str, Any], values: Mapping[str, str]) -> None:
        self._conditions = conditions
        self._values = values

    def holds(self, condition: Any) -> bool:
        ((function, operand),) = condition.items()
        match function:
            case "Condition":
                return self.holds(self._conditions[operand])
            case "Fn::Equals":
                left, right = (self._value(side) for side in operand)
                return left == right
            case "Fn::Not":
                return not self.holds(operand[0])
            case "Fn::And":
                return all(self.holds(part) for part in operand)
            case "Fn::Or":
                return any(self.holds(part) for part in operand)
        raise AssertionError(f"no condition: {function}")

    def plain(self, value: Any) -> Any:
        """Replace every `Fn::If` in a value by the branch that applies."""
        if isinstance(value, list):
            items = [self.plain(item) for item in value]
            return [item for item in items if item != _NOTHING]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Fn::If"}:
            name, then, otherwise = value["Fn::If"]
            return self.plain(then if self.holds({"Condition": name}) else otherwise)
        parts = {name: self.plain(part) for name, part in value.items()}
        return {name: part for name, part in parts.items() if part != _NOTHING}

    def _value(self, side: Any) -> str:
        return self._values[side["Ref"]] if isinstance(side, dict) else str(side)
