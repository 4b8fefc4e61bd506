"""What the kinds that keep Pods running from a template have in common: selector, template, columns.

Called by the strategies of ReplicaSets, Deployments, StatefulSets, DaemonSets and ReplicationControllers.
Page: https://kubernetes.io/docs/concepts/workloads/controllers/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from podwright.api.field import FieldError, Path, forbidden, invalid, not_supported, required
from podwright.api.names import dns_label
from podwright.api.objects import Object, name_of
from podwright.api.selectors import LabelSelector, label_selector_from
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import NONE
from podwright.apiserver.registry.image_policy import keep_pull_policies
from podwright.apiserver.registry.pod_template import default_template, validate_template
from podwright.apiserver.registry.pod_warnings import template_warnings
from podwright.apiserver.registry.strategy import Column, Strategy

SPEC = Path("spec")
_TEMPLATE = SPEC.child("template")
_NO_HOST_NAME = (
    "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; "
    "a DNS label is recommended"
)
_PERCENT = "[0-9]+%"
_NO_PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' "
    f"(e.g. '1%',  or '93%', regex used for validation is '{_PERCENT}')"
)


def spec_of(obj: Object) -> dict[str, Any]:
    """The spec, attached to the object."""
    if not isinstance(obj.get("spec"), dict):
        obj["spec"] = {}
    spec: dict[str, Any] = obj["spec"]
    return spec


def status_of(obj: Object) -> Mapping[str, Any]:
    """The status, or an empty mapping."""
    return obj.get("status") or {}


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A LabelSelector as kubectl writes it: `a=b,c in (d,e),!f`; "" selects everything, `<none>` nothing."""
    if selector is None:
        return NONE
    parts = [(k, f"{k}={v}") for k, v in (selector.get("matchLabels") or {}).items()]
    for term in selector.get("matchExpressions") or ():
        key, values = term.get("key") or "", ",".join(sorted(term.get("values") or ()))
        match term.get("operator"):
            case "In":
                parts.append((key, f"{key} in ({values})"))
            case "NotIn":
                parts.append((key, f"{key} notin ({values})"))
            case "Exists":
                parts.append((key, key))
            case "DoesNotExist":
                parts.append((key, f"!{key}"))
    return ",".join(text for _, text in sorted(parts))


def containers_of(template: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The app containers of a template."""
    return list(((template or {}).get("spec") or {}).get("containers") or ())


def _joined(field: str) -> Any:
    def cell(obj: Object, now: float) -> str:
        found = containers_of((obj.get("spec") or {}).get("template"))
        return ",".join(str(container.get(field) or "") for container in found)

    return cell


CONTAINERS = Column("Containers", _joined("name"), priority=1, description="The names of the template's containers.")
IMAGES = Column("Images", _joined("image"), priority=1, description="The images of the template's containers.")
SELECTOR = Column(
    "Selector",
    lambda obj, now: selector_text((obj.get("spec") or {}).get("selector")),
    priority=1,
    description="Which Pods it counts as its own.",
)


def count(*path: str) -> Any:
    """A cell with the number at `path`, 0 when it is not there."""

    def cell(obj: Object, now: float) -> int:
        value: Any = obj
        for name in path:
            value = (value or {}).get(name)
        return value or 0

    return cell


def ready_of_wanted(obj: Object, now: float) -> str:
    """`1/3`: how many replicas are ready, and how many there are to be."""
    return f"{status_of(obj).get('readyReplicas') or 0}/{(obj.get('spec') or {}).get('replicas') or 0}"


def percent_or_count(path: Path, value: Any) -> list[FieldError]:
    """A number of Pods, or a percentage of them."""
    if isinstance(value, str):
        return [] if re.fullmatch(_PERCENT, value, re.ASCII) else [invalid(path, value, _NO_PERCENT)]
    return check.non_negative(path, value)


def not_above_all(path: Path, value: Any) -> list[FieldError]:
    """A percentage of 100 at most."""
    if isinstance(value, str) and re.fullmatch(_PERCENT, value, re.ASCII) and int(value[:-1]) > 100:
        return [invalid(path, value, "must not be greater than 100%")]
    return []


def is_nothing(value: Any) -> bool:
    """Whether a number or percentage of Pods is none."""
    return value in (None, 0) or (isinstance(value, str) and re.fullmatch("0+%", value) is not None)


def _selector(spec: Mapping[str, Any], kind: str) -> tuple[LabelSelector | None, list[FieldError]]:
    path, written = SPEC.child("selector"), spec.get("selector")
    if written is None:
        return LabelSelector(selects_nothing=True), [required(path)]
    errors = check.label_selector(path, written)
    if not written.get("matchLabels") and not written.get("matchExpressions"):
        errors.append(invalid(path, written, f"empty selector is invalid for {kind}"))
    try:
        return label_selector_from(written), errors
    except ValueError:
        return None, [*errors, invalid(path, written, "invalid label selector")]


def template_errors(
    template: Mapping[str, Any] | None, selector: LabelSelector | None, kind: str, *, path: Path = _TEMPLATE
) -> list[FieldError]:
    """Errors of the template of a `kind` whose Pods run for ever; its labels must be those that are selected."""
    if template is None:
        return [required(path)]
    errors: list[FieldError] = []
    labels = (template.get("metadata") or {}).get("labels") or {}
    if selector and not selector.matches(labels):
        where = path.child("metadata").child("labels")
        errors.append(invalid(where, labels, "`selector` does not match template `labels`"))
    errors += validate_template(path, template)
    spec = template.get("spec") or {}
    where = path.child("spec")
    if spec.get("restartPolicy") != "Always":
        errors.append(not_supported(where.child("restartPolicy"), spec.get("restartPolicy"), ("Always",)))
    if spec.get("activeDeadlineSeconds") is not None:
        text = f"activeDeadlineSeconds in {kind} is not Supported"
        errors.append(forbidden(where.child("activeDeadlineSeconds"), text))
    return errors


class WorkloadStrategy(Strategy):
    """A kind with `spec.selector`, `spec.template` and the subresource status."""

    status_subresource = True
    has_generation = True
    selector_kind = ""
    """The kind as the error of an empty selector names it."""
    template_kind = "ReplicaSet"
    """The kind as errors of the template name it."""

    def default(self, obj: Object) -> None:
        """The template's defaults, pull policies included, and those of the kind."""
        spec = spec_of(obj)
        if spec.get("template") is None:
            spec["template"] = {}
        default_template(spec["template"])
        self.default_spec(spec)

    def default_spec(self, spec: dict[str, Any]) -> None:
        """The defaults of the kind itself, in place."""

    def carry_over(self, obj: Object, old: Object) -> None:
        """The pull policy is decided once, at creation."""
        template = (obj.get("spec") or {}).get("template") or {}
        before = (old.get("spec") or {}).get("template") or {}
        if template.get("spec"):
            keep_pull_policies(template["spec"], before.get("spec") or {})

    def validate(self, obj: Object) -> list[FieldError]:
        """A new object's errors."""
        spec = spec_of(obj)
        selector, errors = _selector(spec, self.selector_kind)
        errors += self.spec_errors(spec)
        return errors + template_errors(self.whole_template(spec), selector, self.template_kind)

    def whole_template(self, spec: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The template as its Pods will have it, for checks."""
        template: Mapping[str, Any] | None = spec.get("template")
        return template

    def spec_errors(self, spec: Mapping[str, Any]) -> list[FieldError]:
        """Errors of what the kind has beside selector and template."""
        return []

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """A changed object's errors; the selector stays, since it says which Pods are whose."""
        if subresource == "status":
            return status_errors(status_of(obj), status_of(old))
        was = (old.get("spec") or {}).get("selector")
        return self.validate(obj) + check.unchanged(SPEC.child("selector"), spec_of(obj).get("selector"), was)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """What the template's Pods will not get, and a name that makes bad host names."""
        before = ((old.get("spec") or {}).get("template") or {}) if old is not None else None
        wrong = dns_label(name_of(obj)) if old is None else []
        said = [f"{_NO_HOST_NAME}: [{' '.join(wrong)}]"] if wrong else []
        return said + template_warnings("spec.template", (obj.get("spec") or {}).get("template") or {}, before)


_NOT_ABOVE_ALL = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas", "updatedReplicas", "currentReplicas")


def status_errors(status: Mapping[str, Any], old: Mapping[str, Any]) -> list[FieldError]:
    """Errors of the counts in a status."""
    path, errors = Path("status"), []
    for name, value in status.items():
        if isinstance(value, int):
            errors += check.non_negative(path.child(name), value)
    total = status.get("replicas")
    if total is not None:
        errors += [
            invalid(path.child(name), status[name], "cannot be greater than status.replicas")
            for name in _NOT_ABOVE_ALL
            if isinstance(status.get(name), int) and status[name] > total
        ]
    available, ready = status.get("availableReplicas") or 0, status.get("readyReplicas")
    if ready is not None and available > ready:
        text = "cannot be greater than readyReplicas"
        errors.append(invalid(path.child("availableReplicas"), available, text))
    if (status.get("collisionCount") or 0) < (old.get("collisionCount") or 0):
        errors.append(invalid(path.child("collisionCount"), status.get("collisionCount"), "cannot be decremented"))
    return errors
