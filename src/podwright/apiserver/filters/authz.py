"""Whether a user may do what a request asks: administrators everything, kubelets by node, everybody by roles.

Called by `front.py` for every request, by the access reviews, and by the in-process client of the kubelet.
Page: https://kubernetes.io/docs/reference/access-authn-authz/authorization/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from podwright.admission.interface import User
from podwright.admission.node_identity import NODES, node_of
from podwright.api.errors import Forbidden
from podwright.api.selectors import FieldSelector, parse_field_selector
from podwright.apiserver.authorization import node as nodes
from podwright.apiserver.authorization.rbac import Rbac
from podwright.apiserver.authorization.rule import Rule
from podwright.apiserver.routes import Asked

MASTERS = "system:masters"
EVERYTHING = (Rule(("*",), ("*",), ("*",)), Rule(("*",), paths=("*",)))
_SELECTING = frozenset(("list", "watch", "deletecollection"))
_NO_SELECTOR = FieldSelector()
_HARMLESS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""Messages are shown in browsers too."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, and why, where there is something to say."""

    allowed: bool
    reason: str = ""


class Authorizer:
    """Decides about requests."""

    def __init__(self, rbac: Rbac, relate: nodes.Relate) -> None:
        self._rbac = rbac
        self._relate = relate

    def allowed(self, user: User, asked: Asked, selector: FieldSelector = _NO_SELECTOR) -> bool:
        """Whether the user may; `selector` is the field selector of a list or watch."""
        if MASTERS in user.groups:
            return True
        if NODES in user.groups:
            node = node_of(user)
            if node and nodes.decide(node, asked, selector, self._relate) is None:
                return True
        return self._rbac.allowed(user, asked)

    def decide(self, user: User, asked: Asked, selector: FieldSelector = _NO_SELECTOR) -> Decision:
        """Whether the user may, and why (slower than `allowed`)."""
        if MASTERS in user.groups:
            return Decision(True)
        reasons = []
        if NODES in user.groups:
            node = node_of(user)
            wrong = nodes.decide(node, asked, selector, self._relate) if node else ""
            if wrong is None:
                return Decision(True)
            reasons = [wrong]
        reasons.append(self._rbac.reason(user, asked))
        return Decision(self._rbac.allowed(user, asked), "\n".join(filter(None, reasons)))

    def rules(self, user: User, namespace: str) -> tuple[Sequence[Rule], Sequence[str]]:
        """Everything that roles allow in a namespace, and what is known to be missing from the list."""
        if MASTERS in user.groups:
            return EVERYTHING, ()
        rules, errors = self._rbac.rules(user, namespace)
        if node_of(user):
            errors = [*errors, "node authorizer does not support user rule resolution"]
        return rules, errors

    def check(self, user: User, asked: Asked, query: Mapping[str, str]) -> None:
        """Raises Forbidden when the user may not. A list of one name is asked for that name."""
        selector = _NO_SELECTOR
        if query and asked.verb in _SELECTING and MASTERS not in user.groups:
            selector = selector_in(query.get("fieldSelector", ""))
            name = selector.value_of("metadata.name")
            if name and not asked.name:
                asked = replace(asked, name=name)
        if not self.allowed(user, asked, selector):
            raise denial(user, asked, self.decide(user, asked, selector).reason)


Check = Callable[[User, Asked, Mapping[str, str]], None]
"""`Authorizer.check`."""


def selector_in(text: str) -> FieldSelector:
    """A field selector as far as rights depend on it; what cannot be read selects everything."""
    try:
        return parse_field_selector(text)
    except ValueError:
        return _NO_SELECTOR


def denial(user: User, asked: Asked, reason: str = "") -> Forbidden:
    """The answer when somebody may not."""
    if asked.is_resource:
        resource = f"{asked.plural}/{asked.subresource}" if asked.subresource else asked.plural
        where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
        text = f'User "{user.name}" cannot {asked.verb} resource "{resource}" in API group "{asked.group}" {where}'
    else:
        text = f'User "{user.name}" cannot {asked.verb} path "{asked.path}"'
    text = text.translate(_HARMLESS) + (f": {reason}" if reason else "")
    if not asked.is_resource:
        return Forbidden(f"forbidden: {text}")
    return Forbidden.of(asked.plural, asked.name, text, group=asked.group)
