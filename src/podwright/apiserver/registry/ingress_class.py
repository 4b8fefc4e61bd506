"""What is special about IngressClasses: which controller carries out the Ingresses of a class.

Called by the generic handlers through `rows.py`.
Page: https://kubernetes.io/docs/concepts/services-networking/ingress/#ingress-class
"""

from __future__ import annotations

from typing import Any, Final

from podwright.api import names
from podwright.api.field import FieldError, Path, forbidden, invalid, required, too_long
from podwright.api.objects import Object
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, NONE, at
from podwright.apiserver.registry.strategy import Column, Strategy

_LONGEST: Final = 250
_SCOPES: Final = ("Cluster", "Namespace")


def _parameters(ingress_class: Object, now: float) -> str:
    parameters = (ingress_class.get("spec") or {}).get("parameters")
    if parameters is None:
        return NONE
    kind, group = parameters.get("kind") or "", parameters.get("apiGroup")
    return f"{kind}.{group}/{parameters.get('name')}" if group else f"{kind}/{parameters.get('name')}"


class IngressClassStrategy(Strategy):
    """IngressClasses."""

    has_generation = True
    columns = (
        NAME,
        Column("Controller", at("spec", "controller"), description="Who carries out Ingresses of the class."),
        Column("Parameters", _parameters, description="Further configuration of the controller."),
        AGE,
    )

    def default(self, obj: Object) -> None:
        """Parameters are of the cluster unless they say otherwise."""
        parameters = (obj.get("spec") or {}).get("parameters")
        if parameters is not None and parameters.get("scope") is None:
            parameters["scope"] = "Cluster"

    def validate(self, obj: Object) -> list[FieldError]:
        """Controller and parameters."""
        path, spec = Path("spec"), obj.get("spec") or {}
        errors = _controller(path.child("controller"), spec.get("controller") or "")
        parameters = spec.get("parameters")
        return errors if parameters is None else errors + _reference(path.child("parameters"), parameters)

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """The controller stays: it could not know which Ingresses it has lost."""
        new, had = (one.get("spec") or {} for one in (obj, old))
        stays = check.unchanged(Path("spec.controller"), new.get("controller"), had.get("controller"))
        return self.validate(obj) + stays


def _controller(path: Path, controller: str) -> list[FieldError]:
    if not controller:
        return []
    if len(controller) > _LONGEST:
        return [too_long(path, _LONGEST)]
    domain, slash, rest = controller.partition("/")
    if not slash or not domain or not rest:
        return [invalid(path, controller, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    return check.obeys(path, domain, names.dns_subdomain)


def _reference(path: Path, parameters: dict[str, Any]) -> list[FieldError]:
    errors = [required(path.child(field)) for field in ("kind", "name") if not parameters.get(field)]
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    errors += check.one_of(path.child("scope"), scope, _SCOPES)
    if scope == "Namespace" and not namespace:
        errors.append(required(path.child("namespace"), "`parameters.scope` is set to 'Namespace'"))
    if scope == "Cluster" and namespace:
        errors.append(forbidden(path.child("namespace"), "`parameters.scope` is set to 'Cluster'"))
    return errors
