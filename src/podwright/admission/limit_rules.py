"""What a LimitRange gives to a Pod, and what of a Pod or claim is out of its bounds. Pure.

Called by `limit_ranger`. Page: https://kubernetes.io/docs/concepts/policy/limit-range/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from podwright.api.objects import Object, metadata
from podwright.api.pods import containers, limits, requests, spec_of
from podwright.api.quantity import canonical, family_of, format_quantity, parse_quantity

ANNOTATION = "kubernetes.io/limit-ranger"
_WORDS = {"containers": "container", "initContainers": "init container"}
_OF_PODS = ("containers", "initContainers")
_Amounts = Mapping[str, Decimal]


def _items(limit_range: Object, kind: str) -> Iterator[Mapping[str, Any]]:
    for item in (limit_range.get("spec") or {}).get("limits") or ():
        if item.get("type") == kind:
            yield item


def set_defaults(pod: Object, limit_range: Object) -> None:
    """Fill in requests and limits that containers leave out, in place, and note it in an annotation."""
    defaults: dict[str, dict[str, Any]] = {"requests": {}, "limits": {}}
    for item in _items(limit_range, "Container"):
        defaults["requests"] |= item.get("defaultRequest") or {}
        defaults["limits"] |= item.get("default") or {}
    notes: list[str] = []
    for at in containers(spec_of(pod), _OF_PODS):
        resources = at.container.setdefault("resources", {})
        for kind, given in (("requests", defaults["requests"]), ("limits", defaults["limits"])):
            own = resources.get(kind) or {}
            added = {name: canonical(value) for name, value in given.items() if name not in own}
            if added:
                resources[kind] = {**own, **added}
                what = f"{', '.join(sorted(added))} {kind.removesuffix('s')}"
                notes.append(f"{what} for {_WORDS[at.field]} {at.container.get('name')}")
    if notes:
        meta = metadata(pod)
        meta["annotations"] = {
            **(meta.get("annotations") or {}),
            ANNOTATION: "LimitRanger plugin set: " + "; ".join(notes),
        }


def pod_violations(pod: Object, limit_range: Object) -> Iterator[str]:
    """What of the Pod's containers, and of the Pod as a whole, is out of bounds."""
    for item in _items(limit_range, "Container"):
        for at in containers(spec_of(pod), _OF_PODS):
            resources = at.container.get("resources") or {}
            yield from _violations(item, _amounts(resources.get("requests")), _amounts(resources.get("limits")))
    for item in _items(limit_range, "Pod"):
        yield from _violations(item, requests(pod), limits(pod))


def claim_violations(claim: Object, limit_range: Object) -> Iterator[str]:
    """What of a claim's size is out of bounds."""
    asked = _amounts(((claim.get("spec") or {}).get("resources") or {}).get("requests"))
    for item in _items(limit_range, "PersistentVolumeClaim"):
        for word, key in (("minimum", "min"), ("maximum", "max")):
            for name, bound in _amounts(item.get(key)).items():
                text = f"{word} {name} usage per PersistentVolumeClaim is {canonical(item[key][name])}"
                if name not in asked:
                    yield f"{text}.  No request is specified"
                elif (asked[name] < bound) if key == "min" else (asked[name] > bound):
                    yield f"{text}, but request is {_shown(asked[name], item[key][name])}"


def _violations(item: Mapping[str, Any], asked: _Amounts, limited: _Amounts) -> Iterator[str]:
    kind = item.get("type")
    for name, bound in _amounts(item.get("min")).items():
        text = f"minimum {name} usage per {kind} is {canonical(item['min'][name])}"
        if name not in asked:
            yield f"{text}.  No request is specified"
        elif asked[name] < bound:
            yield f"{text}, but request is {_shown(asked[name], item['min'][name])}"
        elif name in limited and limited[name] < bound:
            yield f"{text}, but limit is {_shown(limited[name], item['min'][name])}"
    for name, bound in _amounts(item.get("max")).items():
        text = f"maximum {name} usage per {kind} is {canonical(item['max'][name])}"
        if name not in limited:
            yield f"{text}.  No limit is specified"
        elif limited[name] > bound:
            yield f"{text}, but limit is {_shown(limited[name], item['max'][name])}"
        elif asked.get(name, Decimal(0)) > bound:
            yield f"{text}, but request is {_shown(asked[name], item['max'][name])}"
    for name, ratio in _amounts(item.get("maxLimitRequestRatio")).items():
        text = f"{name} max limit to request ratio per {kind} is {canonical(item['maxLimitRequestRatio'][name])}"
        if not asked.get(name):
            yield f"{text}, but no request is specified or request is 0"
        elif not limited.get(name):
            yield f"{text}, but no limit is specified or limit is 0"
        elif limited[name] / asked[name] > ratio:
            yield f"{text}, but provided ratio is {float(limited[name] / asked[name]):f}"


def _amounts(quantities: Mapping[str, Any] | None) -> _Amounts:
    return {name: parse_quantity(value) for name, value in (quantities or {}).items()}


def _shown(amount: Decimal, like: Any) -> str:
    return format_quantity(amount, family_of(like))
