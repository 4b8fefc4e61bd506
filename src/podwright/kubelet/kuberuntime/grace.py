"""How long a container has to end: the arithmetic of terminationGracePeriodSeconds.

What it decides: the grace that a kill begins with, and what of it is left for the stop signal once the preStop hook
and the wait for the containers before it have taken their part. Called by `killing`.
Page: https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/#hook-handler-execution
"""

from __future__ import annotations

from podwright.api.objects import Object, metadata
from podwright.kubelet.kuberuntime.pod_containers import pod_spec

MINIMUM = 2
"""seconds between the stop signal and SIGKILL that every container gets, whatever its hook has used up"""


def grace_for(pod: Object, container: Object, probe: str = "", override: int | None = None) -> int:
    """Seconds of grace that killing `container` begins with.

    `override` is the grace of the Pod's deletion as its worker has it. Without one (a kill in place): the Pod's
    deletionGracePeriodSeconds, else that of the probe which failed (`probe`: "liveness", "startup"), else the spec's.
    """
    if override is not None:
        return max(0, override)
    deletion = metadata(pod).get("deletionGracePeriodSeconds")
    if deletion is not None:
        return int(deletion)
    if probe:
        own = (container.get(f"{probe}Probe") or {}).get("terminationGracePeriodSeconds")
        if own is not None:
            return int(own)
    whole = pod_spec(pod).get("terminationGracePeriodSeconds")
    return MINIMUM if whole is None else int(whole)


def remaining(grace: int, elapsed: float) -> int:
    """Seconds left of `grace` after `elapsed`; begun seconds are not counted, as Kubernetes truncates them."""
    return max(0, grace - int(elapsed))


def stop_timeout(grace: int) -> int:
    """Seconds between the stop signal and SIGKILL."""
    return max(MINIMUM, grace)
