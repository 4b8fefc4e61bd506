"""What a namespace's new labels say of the Pods that are there already. Pure; called by `plugin`.

Page: https://kubernetes.io/docs/concepts/security/pod-security-admission/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from podwright.admission.pod_security.levels import Level, Policy, Profile, is_labelled
from podwright.admission.pod_security.profiles import reasons
from podwright.admission.pod_security.violation import Violation
from podwright.api.objects import Object, metadata


def is_stricter(new: Policy, old: Policy) -> bool:
    """Whether Pods that were let in may break what is enforced from now on."""
    if new.enforce == old.enforce or new.enforce.level is Level.PRIVILEGED:
        return False
    return new.enforce.minor != old.enforce.minor or new.enforce.level > old.enforce.level


def exemption_warning(namespace: str, policy: Policy, defaults: Policy, labels: Mapping[str, str]) -> str:
    """What to tell who labels a namespace that is exempt: the labels have no effect. "" when they ask for nothing."""
    asked = {"enforce": policy.enforce, "audit": policy.audit, "warn": policy.warn}
    strict = [mode for mode, profile in asked.items() if profile.level is not Level.PRIVILEGED]
    if not strict or replace(policy, errors=()) == defaults:
        return ""
    told = ", ".join(f"{mode}={asked[mode]}" for mode in strict if is_labelled(labels, mode))
    return f'namespace "{namespace}" is exempt from Pod Security, and the policy ({told}) will be ignored'


def one_of_each_first(pods: Iterable[Object]) -> list[Object]:
    """The Pods, of each controller's one first: where not all can be looked at, replicas are like each other."""
    first, replicas, seen = [], [], set()
    for pod in pods:
        owners = metadata(pod).get("ownerReferences") or ()
        controller = next((owner.get("uid") for owner in owners if owner.get("controller")), None)
        if controller is not None and controller in seen:
            replicas.append(pod)
        else:
            seen.add(controller)
            first.append(pod)
    return first + replicas


def warnings_of(
    namespace: str, enforce: Profile, found: Sequence[tuple[str, Sequence[Violation]]], total: int
) -> list[str]:
    """What to tell who has labelled a namespace; `found` has the name of each Pod looked at and what it breaks."""
    answer = []
    if len(found) < total:
        answer.append(
            f"new PodSecurity enforce level only checked against the first {len(found)} of {total} existing pods"
        )
    names: dict[str, list[str]] = {}
    for name, violations in found:
        if violations:
            names.setdefault(reasons(violations), []).append(name)
    if names:
        answer.append(f'existing pods in namespace "{namespace}" violate the new PodSecurity enforce level "{enforce}"')
    return answer + sorted(f"{_some(pods)}: {why}" for why, pods in names.items())


def _some(pods: Sequence[str]) -> str:
    others = len(pods) - 1
    more = f" (and {others} other pod{'s' if others > 1 else ''})" if others else ""
    return f"{min(pods)}{more}"
