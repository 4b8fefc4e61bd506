from __future__ import annotations

from typing import Any

from podwright.api.rbac import aggregated_rules


def role(name: str, rules: list[Any], **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}, "rules": rules}


def aggregating(*selectors: dict[str, Any]) -> dict[str, Any]:
    selected = [{"matchLabels": selector} for selector in selectors]
    return {**role("all", ["old"]), "aggregationRule": {"clusterRoleSelectors": selected}}


def test_the_rules_of_all_that_are_selected_by_name_and_each_once() -> None:
    roles = [role("b", ["2", "3"], to="x"), role("a", ["1", "2"], to="x"), role("c", ["4"], to="y")]
    assert aggregated_rules(aggregating({"to": "x"}), roles) == ["1", "2", "3"]
    assert aggregated_rules(aggregating({"to": "y"}, {"to": "x"}), roles) == ["4", "1", "2", "3"]


def test_a_role_does_not_select_itself() -> None:
    alone = aggregating({})
    assert aggregated_rules(alone, [alone, role("a", ["1"])]) == ["1"]
