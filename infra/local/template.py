"""Reads template.yaml as far as the local stack needs it: YAML's short forms, Fn::ForEach, names and ARNs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TEMPLATE = Path(__file__).parents[2] / "template.yaml"

_FOR_EACH = "Fn::ForEach::"
_VARIABLE = re.compile(r"\$\{([^}]+)\}")


class TemplateError(Exception):
    """The template uses something that the local stack does not understand."""


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, such as `!Ref`."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix == "Ref" else f"Fn::{suffix}"
    match node:
        case yaml.ScalarNode():
            text = loader.construct_scalar(node)
            return {name: str(text).split(".") if suffix == "GetAtt" else text}
        case yaml.SequenceNode():
            return {name: loader.construct_sequence(node, deep=True)}
        case yaml.MappingNode():
            return {name: loader.construct_mapping(node, deep=True)}
    raise TemplateError(f"!{suffix} has no value")


_Loader.add_multi_constructor("!", _long_form)


def read_template(path: Path = TEMPLATE, *, parameters: Mapping[str, list[str]] | None = None) -> Any:
    """Give the template in long form, every Fn::ForEach over a list parameter written out.

    Raises TemplateError.
    """
    template = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506 - a SafeLoader
    lists = {
        name: parameter["Default"].split(",")
        for name, parameter in template["Parameters"].items()
        if parameter["Type"] == "CommaDelimitedList"
    }
    lists.update(parameters or {})
    template["Resources"] = dict(_written_out(template["Resources"], lists))
    return template


def _written_out(resources: Mapping[str, Any], lists: Mapping[str, list[str]]) -> Iterator[tuple[str, Any]]:
    for name, resource in resources.items():
        if not name.startswith(_FOR_EACH):
            yield name, resource
            continue
        match resource:
            case [str(variable), {"Ref": str(parameter)}, body] if parameter in lists:
                for value in lists[parameter]:
                    yield from replaced(body, {variable: value}).items()
            case _:
                raise TemplateError(f"{name} must be over a list parameter")


def replaced(value: Any, variables: Mapping[str, str]) -> Any:
    """Give the value with `${Name}` and `{"Ref": "Name"}` replaced for the variables that are known."""
    match value:
        case {"Ref": str(name)} if name in variables:
            return variables[name]
        case {"Fn::Sub": str(text)}:
            filled = replaced(text, variables)
            return {"Fn::Sub": filled} if _VARIABLE.search(filled) else filled
        case str():
            return _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), value)
        case dict():
            return {replaced(name, variables): replaced(part, variables) for name, part in value.items()}
        case list():
            return [replaced(part, variables) for part in value]
        case _:
            return value
