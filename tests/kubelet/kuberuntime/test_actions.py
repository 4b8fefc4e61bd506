from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from tests.kubelet.kuberuntime.pods import Probed, container, deleted, instance, pod, sandbox, state

from podwright.api.objects import Object
from podwright.kubelet.kuberuntime.actions import Actions, SandboxChange, compute_actions
from podwright.kubelet.runtime_state import PodRuntimeStatus, SandboxStatus


@dataclass
class Want:
    """What an action comes to, by names."""

    start: list[str] = field(default_factory=list)
    kill: dict[str, str] = field(default_factory=dict)
    kill_pod: bool = False
    sandbox: SandboxChange | None = None
    attempt: int = 0


def told(actions: Actions) -> Want:
    return Want(
        [m.name for m in actions.starts],
        {k.member.name: k.message for k in actions.kill},
        actions.kill_pod,
        actions.create_sandbox,
        actions.sandbox_attempt,
    )


A = pod(container("a"), container("b"))
NEVER = pod(container("a"), container("b"), restartPolicy="Never")
ON_FAILURE = pod(container("a"), container("b"), restartPolicy="OnFailure")
INIT = pod(container("a"), init=[container("i1"), container("i2")])
INIT_NEVER = pod(container("a"), init=[container("i1"), container("i2")], restartPolicy="Never")
SIDE = container("side", restartPolicy="Always")
SIDECAR = pod(container("a"), init=[container("i1"), SIDE, container("i2")])
LAST_SIDECAR = pod(container("a"), init=[container("i1"), SIDE])
DEBUG = pod(container("a"), ephemeralContainers=[container("dbg")])
RULES = pod(
    container(
        "a",
        restartPolicy="Never",
        restartPolicyRules=[{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}],
    ),
    restartPolicy="Always",
)
NOT_IN = pod(
    container(
        "a",
        restartPolicy="Never",
        restartPolicyRules=[{"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [3]}}],
    )
)
DEAD = (sandbox(ready=False),)
NEW = SandboxChange.FIRST
LOST = SandboxChange.DEAD


def run(of: Object, *names: str, box: str = "box") -> list:
    return [instance(of, name, "running", box=box) for name in names]


def end(of: Object, name: str, code: int = 0, box: str = "box"):
    return instance(of, name, "exited", code, box=box)


CASES = [
    ("a new Pod gets a sandbox and all its containers", A, state(boxes=()), Want(["a", "b"], sandbox=NEW)),
    ("a new Pod with init containers begins with the first", INIT, state(boxes=()), Want(["i1"], sandbox=NEW)),
    ("a deleted Pod gets nothing", deleted(A), state(boxes=()), Want()),
    ("what runs as it should is left alone", A, state(*run(A, "a", "b")), Want()),
    ("a missing container is started", A, state(*run(A, "a")), Want(["b"])),
    ("one that was only created is started", A, state(*run(A, "a"), instance(A, "b", "created")), Want(["b"])),
    ("an ended one is restarted: Always, exit 0", A, state(*run(A, "a"), end(A, "b")), Want(["b"])),
    ("an ended one is restarted: Always, exit 1", A, state(*run(A, "a"), end(A, "b", 1)), Want(["b"])),
    ("OnFailure restarts a failure", ON_FAILURE, state(*run(ON_FAILURE, "a"), end(ON_FAILURE, "b", 1)), Want(["b"])),
    ("OnFailure leaves a success", ON_FAILURE, state(*run(ON_FAILURE, "a"), end(ON_FAILURE, "b")), Want()),
    ("Never leaves a failure", NEVER, state(*run(NEVER, "a"), end(NEVER, "b", 1)), Want()),
    ("all done: the Pod is killed", NEVER, state(end(NEVER, "a"), end(NEVER, "b", 1)), Want(kill_pod=True)),
    ("a deleted Pod restarts nothing", deleted(A), state(*run(A, "a"), end(A, "b", 1)), Want()),
    (
        "one of unknown state is killed before its restart",
        A,
        state(*run(A, "a"), instance(A, "b", "unknown")),
        Want(["b"], {"b": 'Container is in "unknown" state, try killing it before restart'}),
    ),
    (
        "a changed image kills and restarts",
        A,
        state(*run(A, "a"), instance(A, "b", "running", hash="old")),
        Want(["b"], {"b": "Container b definition changed, will be restarted"}),
    ),
    (
        "a changed image restarts even under Never",
        NEVER,
        state(*run(NEVER, "a"), instance(NEVER, "b", "running", hash="old")),
        Want(["b"], {"b": "Container b definition changed, will be restarted"}),
    ),
    (
        "a container without a noted hash is left alone",
        A,
        state(*run(A, "a"), instance(A, "b", "running", hash="")),
        Want(),
    ),
    ("container rules restart a listed exit code", RULES, state(end(RULES, "a", 42)), Want(["a"])),
    ("container rules fall back to the container's Never", RULES, state(end(RULES, "a", 1)), Want(kill_pod=True)),
    ("container rules: not in the list", NOT_IN, state(end(NOT_IN, "a", 1)), Want(["a"])),
    ("container rules: in the list of exceptions", NOT_IN, state(end(NOT_IN, "a", 3)), Want(kill_pod=True)),
    # sandboxes
    (
        "a dead sandbox takes everything with it and comes back",
        A,
        state(*run(A, "a"), end(A, "b", 1), boxes=DEAD),
        Want(["a", "b"], kill_pod=True, sandbox=LOST, attempt=1),
    ),
    (
        "a dead sandbox under Never stays dead once something ran",
        NEVER,
        state(end(NEVER, "a", 1), boxes=DEAD),
        Want(kill_pod=True),
    ),
    (
        "a dead sandbox under Never in which nothing ran comes back",
        NEVER,
        state(instance(NEVER, "a", "created"), boxes=DEAD),
        Want(["a", "b"], kill_pod=True, sandbox=LOST, attempt=1),
    ),
    (
        "in a new sandbox OnFailure leaves what has succeeded",
        ON_FAILURE,
        state(end(ON_FAILURE, "a"), end(ON_FAILURE, "b", 1), boxes=DEAD),
        Want(["b"], kill_pod=True, sandbox=LOST, attempt=1),
    ),
    (
        "no sandbox for a Pod that is done",
        ON_FAILURE,
        state(end(ON_FAILURE, "a"), end(ON_FAILURE, "b"), boxes=DEAD),
        Want(kill_pod=True),
    ),
    ("no sandbox for a deleted Pod", deleted(A), state(*run(A, "a"), boxes=DEAD), Want(kill_pod=True)),
    (
        "two ready sandboxes are one too many",
        A,
        state(boxes=(sandbox("box2", attempt=4), sandbox())),
        Want(["a", "b"], kill_pod=True, sandbox=SandboxChange.SEVERAL, attempt=5),
    ),
    (
        "a sandbox without an address is of no use",
        A,
        state(boxes=(sandbox(ips=()),)),
        Want(["a", "b"], kill_pod=True, sandbox=SandboxChange.NO_ADDRESS, attempt=1),
    ),
    (
        "a sandbox on another network is replaced",
        pod(hostNetwork=True),
        state(boxes=(sandbox(),)),
        Want(["app"], kill_pod=True, sandbox=SandboxChange.NETWORK, attempt=1),
    ),
    (
        "a host network sandbox needs no address",
        pod(hostNetwork=True),
        state(boxes=(sandbox(ips=(), host_network=True),)),
        Want(["app"]),
    ),
    (
        "an init container that gave up keeps its Pod from coming back, whatever the Pod's policy",
        pod(container("a"), init=[container("i", restartPolicy="Never")]),
        state(end(pod(container("i", restartPolicy="Never")), "i", 1), boxes=DEAD),
        Want(kill_pod=True),
    ),
    # init containers
    ("the first init container is started", INIT, state(), Want(["i1"])),
    ("a running init container is waited for", INIT, state(*run(INIT, "i1")), Want()),
    ("the next one follows a success", INIT, state(end(INIT, "i1")), Want(["i2"])),
    ("a failed one is tried again", INIT, state(end(INIT, "i1", 1)), Want(["i1"])),
    ("a failed one under Never ends the Pod", INIT_NEVER, state(end(INIT_NEVER, "i1", 1)), Want(kill_pod=True)),
    (
        "and its sandbox does not come back",
        INIT_NEVER,
        state(end(INIT_NEVER, "i1", 1), boxes=DEAD),
        Want(kill_pod=True),
    ),
    ("all init containers done: the apps start", INIT, state(end(INIT, "i1"), end(INIT, "i2")), Want(["a"])),
    ("the last one done is enough, the first may be gone", INIT, state(end(INIT, "i2")), Want(["a"])),
    ("init containers are not run again for a restart", INIT, state(end(INIT, "a", 1)), Want(["a"])),
    (
        "init containers run again in a new sandbox",
        INIT,
        state(end(INIT, "a", 1), end(INIT, "i2"), end(INIT, "i1"), boxes=DEAD),
        Want(["i1"], kill_pod=True, sandbox=LOST, attempt=1),
    ),
    (
        "those of the old sandbox count no more",
        INIT,
        state(end(INIT, "a", 1, "old"), end(INIT, "i2", 0, "old"), end(INIT, "i1", 0, "old")),
        Want(["i1"]),
    ),
    ("an init container that was only created is started", INIT, state(instance(INIT, "i1", "created")), Want(["i1"])),
    (
        "an init container of unknown state is killed first",
        INIT,
        state(instance(INIT, "i1", "unknown")),
        Want(["i1"], {"i1": 'Init container is in "unknown" state, try killing it before restart'}),
    ),
    ("unknown under Never ends the Pod", INIT_NEVER, state(instance(INIT_NEVER, "i1", "unknown")), Want(kill_pod=True)),
    # sidecars
    ("a sidecar is started in its turn", SIDECAR, state(end(SIDECAR, "i1")), Want(["side"])),
    (
        "the next init container follows a running sidecar",
        SIDECAR,
        state(*run(SIDECAR, "side"), end(SIDECAR, "i1")),
        Want(["i2"]),
    ),
    (
        "a sidecar that ends during initialization comes back",
        SIDECAR,
        state(*run(SIDECAR, "i2"), end(SIDECAR, "side", 1), end(SIDECAR, "i1")),
        Want(["side"]),
    ),
    (
        "a sidecar that ends beside the app comes back",
        SIDECAR,
        state(*run(SIDECAR, "a"), end(SIDECAR, "side")),
        Want(["side"]),
    ),
    ("a lost sidecar comes back beside the app", SIDECAR, state(*run(SIDECAR, "a")), Want(["side"])),
    (
        "an ended sidecar and its app both come back",
        SIDECAR,
        state(end(SIDECAR, "a"), end(SIDECAR, "side")),
        Want(["side", "a"]),
    ),
    ("a last sidecar that runs lets the apps start", LAST_SIDECAR, state(*run(LAST_SIDECAR, "side")), Want(["a"])),
    (
        "sidecars do not keep a finished Pod alive",
        pod(container("a"), init=[SIDE], restartPolicy="Never"),
        state(end(pod(container("a")), "a"), *run(pod(container("side", restartPolicy="Always")), "side")),
        Want(kill_pod=True),
    ),
    # ephemeral containers
    ("an ephemeral container is started", DEBUG, state(*run(DEBUG, "a")), Want(["dbg"])),
    ("and never again", DEBUG, state(*run(DEBUG, "a"), end(DEBUG, "dbg", 1)), Want()),
    (
        "it does not wait for init containers",
        pod(container("a"), init=[container("i")], ephemeralContainers=[container("dbg")]),
        state(*run(pod(container("i")), "i")),
        Want(["dbg"]),
    ),
]


@pytest.mark.parametrize(("obj", "status", "want"), [pytest.param(*c[1:], id=c[0]) for c in CASES])
def test_actions(obj: Object, status: PodRuntimeStatus, want: Want) -> None:
    assert told(compute_actions(obj, status, Probed())) == want


PROBED = [
    (
        "a failed liveness probe restarts",
        A,
        state(*run(A, "a", "b")),
        Probed(restart={"b": "liveness"}),
        Want(["b"], {"b": "Container b failed liveness probe, will be restarted"}),
        "liveness",
    ),
    (
        "a failed startup probe restarts",
        A,
        state(*run(A, "a", "b")),
        Probed(restart={"b": "startup"}),
        Want(["b"], {"b": "Container b failed startup probe, will be restarted"}),
        "startup",
    ),
    (
        "under Never it only kills, with the probe named",
        NEVER,
        state(*run(NEVER, "a")),
        Probed(restart={"a": "liveness"}),
        Want(["b"], {"a": "Container a failed liveness probe"}),
        "liveness",
    ),
    (
        "the last running container under Never is killed by itself, not with the Pod",
        NEVER,
        state(*run(NEVER, "a"), end(NEVER, "b")),
        Probed(restart={"a": "liveness"}),
        Want([], {"a": "Container a failed liveness probe"}),
        "liveness",
    ),
    (
        "a sidecar that has not started yet holds back the next",
        SIDECAR,
        state(*run(SIDECAR, "side"), end(SIDECAR, "i1")),
        Probed(started={"side": False}),
        Want(),
        "",
    ),
    (
        "a sidecar whose startup probe passed lets the next start",
        SIDECAR,
        state(*run(SIDECAR, "side"), end(SIDECAR, "i1")),
        Probed(started={"side": True}),
        Want(["i2"]),
        "",
    ),
    (
        "a sidecar whose startup probe failed is restarted and holds back the next",
        SIDECAR,
        state(*run(SIDECAR, "side"), end(SIDECAR, "i1")),
        Probed(started={"side": False}, restart={"side": "startup"}),
        Want(["side"], {"side": "Init container side failed startup probe, will be restarted"}),
        "startup",
    ),
    (
        "a sidecar whose liveness probe failed is restarted, the next starts",
        SIDECAR,
        state(*run(SIDECAR, "side"), end(SIDECAR, "i1")),
        Probed(restart={"side": "liveness"}),
        Want(["side", "i2"], {"side": "Init container side failed liveness probe, will be restarted"}),
        "liveness",
    ),
    (
        "a sidecar is restarted beside its app",
        SIDECAR,
        state(*run(SIDECAR, "a", "side")),
        Probed(restart={"side": "liveness"}),
        Want(["side"], {"side": "Init container side failed liveness probe, will be restarted"}),
        "liveness",
    ),
]


@pytest.mark.parametrize(("obj", "status", "probed", "want", "probe"), [pytest.param(*c[1:], id=c[0]) for c in PROBED])
def test_actions_after_probes(obj: Object, status: PodRuntimeStatus, probed: Probed, want: Want, probe: str) -> None:
    actions = compute_actions(obj, status, probed)
    assert told(actions) == want
    assert {kill.probe for kill in actions.kill} == ({probe} if probe else set())


def test_sandbox_attempts_go_on_from_the_highest() -> None:
    boxes: tuple[SandboxStatus, ...] = (sandbox("b", False, 2), sandbox("c", False, 7))
    assert compute_actions(A, state(boxes=boxes), Probed()).sandbox_attempt == 8
