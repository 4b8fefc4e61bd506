"""What all kinds that make Pods from a template have in common: the template's defaults and what is wrong with it.

Called by the strategies of workloads; their own rules (restart policy, selector, what may change) stay with them.
Page: https://kubernetes.io/docs/concepts/workloads/pods/#pod-templates
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, forbidden, invalid
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.pod_defaults import default_pod_spec
from podwright.apiserver.registry.pod_spec_validation import validate_pod_spec

_NO_EPHEMERAL = "ephemeral containers not allowed in pod template"


def default_template(template: dict[str, Any]) -> None:
    """Fill in a core/v1 PodTemplateSpec, in place; imagePullPolicy is decided here, as it is for Pods."""
    template["metadata"] = template.get("metadata") or {}
    spec = template["spec"] = template.get("spec") or {}
    default_pod_spec(spec)


def validate_template(path: Path, template: Mapping[str, Any]) -> list[FieldError]:
    """Errors of a template at `path`, in itself."""
    meta, spec = template.get("metadata") or {}, template.get("spec") or {}
    errors = check.labels(path.child("labels"), meta.get("labels"))
    for key in meta.get("annotations") or {}:
        errors += [invalid(path.child("annotations"), key, text) for text in names.qualified_name(key.lower())]
    errors += validate_pod_spec(path.child("spec"), spec, trimmed_images=False)
    if spec.get("ephemeralContainers"):
        errors.append(forbidden(path.child("spec").child("ephemeralContainers"), _NO_EPHEMERAL))
    return errors
