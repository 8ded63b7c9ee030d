"""What the local stack does not understand of a template is an error, not a stack that lacks something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.local.template import TemplateError, read_template, replaced

if TYPE_CHECKING:
    from pathlib import Path


def test_short_forms_are_read_as_their_long_forms(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(
        "Parameters: {}\n"
        "Resources:\n"
        "  A: {ref: !Ref B, arn: !GetAtt B.Arn, text: !Sub '${B}-x', list: !Join ['-', [!Ref B]]}\n"
    )

    assert read_template(path)["Resources"]["A"] == {
        "ref": {"Ref": "B"},
        "arn": {"Fn::GetAtt": ["B", "Arn"]},
        "text": {"Fn::Sub": "${B}-x"},
        "list": {"Fn::Join": ["-", [{"Ref": "B"}]]},
    }


def test_a_loop_over_something_else_than_a_list_parameter_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("Parameters: {}\nResources:\n  Fn::ForEach::Loop: [Each, ['1', '2'], {'A${Each}': {}}]\n")

    with pytest.raises(TemplateError, match="Loop"):
        read_template(path)


def test_a_text_is_plain_once_all_its_variables_are_known() -> None:
    text = {"Fn::Sub": "${AWS::StackName}-${Shard}"}

    assert replaced(text, {"AWS::StackName": "shop"}) == {"Fn::Sub": "shop-${Shard}"}
    assert replaced(text, {"AWS::StackName": "shop", "Shard": "1"}) == "shop-1"
