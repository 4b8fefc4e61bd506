"""What is special about PodTemplates: objects that are nothing but a template.

Called by the generic handlers through `rows.py`; what all templates share stands in `pod_template.py`.
Page: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-template-v1/
"""

from __future__ import annotations

from typing import Any

from podwright.api.field import FieldError, Path
from podwright.api.objects import Object
from podwright.apiserver.registry.columns import NAME, format_labels
from podwright.apiserver.registry.image_policy import keep_pull_policies
from podwright.apiserver.registry.pod_template import default_template, validate_template
from podwright.apiserver.registry.pod_warnings import template_warnings
from podwright.apiserver.registry.strategy import Column, Strategy
from podwright.apiserver.registry.workload import containers_of


def _joined(field: str) -> Any:
    def cell(obj: Object, now: float) -> str:
        return ",".join(str(container.get(field) or "") for container in containers_of(obj.get("template")))

    return cell


class PodTemplateStrategy(Strategy):
    """PodTemplates."""

    has_generation = True
    returns_deleted = True
    columns = (
        NAME,
        Column("Containers", _joined("name"), description="The names of the template's containers."),
        Column("Images", _joined("image"), description="The images of the template's containers."),
        Column(
            "Pod Labels",
            lambda obj, now: format_labels(((obj.get("template") or {}).get("metadata") or {}).get("labels")),
            description="The labels that its Pods get.",
        ),
    )

    def default(self, obj: Object) -> None:
        """The template's defaults."""
        obj["template"] = obj.get("template") or {}
        default_template(obj["template"])

    def carry_over(self, obj: Object, old: Object) -> None:
        """The pull policy is decided once, at creation."""
        spec = (obj.get("template") or {}).get("spec")
        if spec:
            keep_pull_policies(spec, (old.get("template") or {}).get("spec") or {})

    def validate(self, obj: Object) -> list[FieldError]:
        """Errors of the template."""
        return validate_template(Path("template"), obj.get("template") or {})

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """What the template's Pods will not get."""
        before = (old.get("template") or {}) if old is not None else None
        return template_warnings("template", obj.get("template") or {}, before)
