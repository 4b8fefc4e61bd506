"""What to do about each reason that Kubernetes gives for a container that does not run. Pure; read by `explain`.

Page: https://kubernetes.io/docs/tasks/debug/debug-application/debug-pods/
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Final

from podwright.api.reasons import Terminated, Waiting
from podwright.cli.containers import ContainerState

STUCK: Final = frozenset(
    {
        Waiting.ERR_IMAGE_NEVER_PULL,
        Waiting.INVALID_IMAGE_NAME,
        Waiting.CREATE_CONTAINER_CONFIG_ERROR,
        Waiting.CREATE_CONTAINER_ERROR,
        Waiting.RUN_CONTAINER_ERROR,
        Waiting.IMAGE_PULL_BACK_OFF,
        Waiting.SIGNATURE_VALIDATION_FAILED,
        Waiting.CRASH_LOOP_BACK_OFF,
        Waiting.POST_START_HOOK_ERROR,
    }
)
"""Waiting reasons that somebody has to do something about."""

START_ERROR: Final = "StartError"
"""terminated.reason of a container whose program the runtime could not start"""

HOPELESS: Final = frozenset({Waiting.INVALID_IMAGE_NAME})
"""Those that stay as long as the Pod is as it is."""

_PULL: Final = (
    "check the image's name and that this machine reaches its registry; `podwright image pull {image}` tries it by "
    "hand, `podwright image import FILE --name {image}` brings it without a registry"
)
_WAITING: Final[Mapping[str, str]] = {
    Waiting.ERR_IMAGE_PULL: _PULL,
    Waiting.IMAGE_PULL_BACK_OFF: f"{_PULL}; then `podwright image retry {{pod}}` does not wait for the next attempt",
    Waiting.REGISTRY_UNAVAILABLE: _PULL,
    Waiting.ERR_IMAGE_NEVER_PULL: (
        "`podwright image import FILE --name {image}` brings the image to this node; or let it be pulled with "
        "imagePullPolicy: IfNotPresent"
    ),
    Waiting.IMAGE_INSPECT_ERROR: "the runtime could not say whether it has the image: `podwright status`",
    Waiting.INVALID_IMAGE_NAME: "correct `image: {image}` in the manifest: the name can't be one of an image",
    Waiting.SIGNATURE_VALIDATION_FAILED: "the image is not signed as this node demands: sign it, or change the policy",
    Waiting.CREATE_CONTAINER_CONFIG_ERROR: (
        "create the ConfigMap, Secret or key that is missing, or correct the reference to it; the container starts by "
        "itself then"
    ),
    Waiting.CREATE_CONTAINER_ERROR: "correct what the runtime refuses in the container's settings",
    Waiting.RUN_CONTAINER_ERROR: "correct `command` of the container: the runtime could not start it",
    Waiting.POST_START_HOOK_ERROR: "see the hook's output: `podwright logs {pod} --hooks`",
    Waiting.CRASH_LOOP_BACK_OFF: "see what it printed: `podwright logs {pod} -c {container} --previous`",
}


def for_waiting(container: ContainerState, pod: str) -> str:
    """What to do about a waiting container; "" when it is only a matter of time. `pod`: as `logs` wants it named."""
    never_started = container.last is not None and container.last.get("reason") == START_ERROR
    reason = Waiting.RUN_CONTAINER_ERROR if never_started else container.reason
    advice = _WAITING.get(reason, "")
    return advice.format(image=container.image, container=container.name, pod=pod)


def for_exit(code: int, reason: str) -> str:
    """What an exit code means; "" when it means what the program says it means."""
    if reason == START_ERROR:
        return ""
    if reason == Terminated.OOM_KILLED:
        return "it used more memory than its limit: raise resources.limits.memory, or have it use less"
    if reason == Terminated.CONTAINER_STATUS_UNKNOWN:
        return "nobody saw how it ended: the container was gone when the node looked"
    if code == 126:
        return "the shell found the command and could not execute it: is it executable, and for this machine?"
    if code == 127:
        return "the shell did not find the command: is it in the image, and in PATH?"
    if code == 137:
        return "it was killed (SIGKILL): by the end of its grace period, a failed liveness probe, or for lack of memory"
    if code == 143:
        return "it was asked to end (SIGTERM) and did"
    if 128 < code < 128 + 65:
        try:
            return f"it was ended by {signal.Signals(code - 128).name}"
        except ValueError:
            return ""
    return ""


def for_scheduling(message: str) -> str:
    """What to do about a Pod that no node takes."""
    for clue, advice in (
        ("Insufficient", "lower resources.requests of this Pod, or delete Pods that hold what it asks for"),
        ("didn't have free ports", "another Pod has the same hostPort: use another, or delete that Pod"),
        ("untolerated taint", "give the Pod a toleration, or remove the taint: `kubectl taint node NODE KEY-`"),
        ("node affinity/selector", "label the node as the Pod wants it: `kubectl label node NODE KEY=VALUE`"),
        ("unschedulable", "let the node take Pods again: `kubectl uncordon NODE`"),
        ("too many pods", "delete Pods, or raise maxPods in the node's KubeletConfiguration"),
        ("Too many pods", "delete Pods, or raise maxPods in the node's KubeletConfiguration"),
    ):
        if clue in message:
            return advice
    return ""
