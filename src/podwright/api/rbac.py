"""Words of role based access control that more than one room needs.

The API server judges requests by roles; the controller that fills aggregated ClusterRoles works through the API.
Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from podwright.api.objects import Object, metadata, name_of
from podwright.api.selectors import label_selector_from

GROUP = "rbac.authorization.k8s.io"
AUTO_UPDATE = "rbac.authorization.kubernetes.io/autoupdate"
"""The annotation of a default role or binding; `false`: leave it as it is."""


def aggregated_rules(role: Object, roles: Iterable[Object]) -> list[dict[str, Any]]:
    """The rules of an aggregated ClusterRole: those of all `roles` that it selects, by name, each once.

    Raises ValueError for a selector that says nothing sensible.
    """
    others = sorted((r for r in roles if name_of(r) != name_of(role)), key=name_of)
    rules: list[dict[str, Any]] = []
    for selector in (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ():
        wanted = label_selector_from(selector)
        for other in others:
            if wanted.matches(metadata(other).get("labels") or {}):
                rules += [rule for rule in other.get("rules") or () if rule not in rules]
    return rules
