"""Probes of real containers: what each kind decides, when it runs, and what a user is told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.node.observed import FOREVER, Observed, container, now, observed, shell, slack, spec
from tests.node.running_node import RunningNode

from podwright.api.objects import Object
from podwright.api.resources import ENDPOINT_SLICES, ENDPOINTS, PODS, SERVICES

pytestmark = pytest.mark.asyncio(loop_scope="module")
SERVER = "mkdir /www; echo well >/www/health; exec httpd -f -p 8080 -h /www\n"
DEAF = "trap 'tell TERM; while :; do sleep 1; done' TERM; " + FOREVER


def _exec(script: str, **numbers: object) -> Object:
    return {"exec": {"command": shell(script)}, "periodSeconds": 1, "failureThreshold": 1, **numbers}


def _asks(kind: str, fields: Object, **numbers: object) -> Object:
    return {kind: fields, "periodSeconds": 1, "failureThreshold": 1, **numbers}


def _pod(script: str, **fields: object) -> Object:
    return spec(container(script, **fields))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(node: RunningNode, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Observed]:
    """All Pods of this module, started side by side."""
    named = {"ports": [{"name": "web", "containerPort": 8080}]}
    health = {"path": "/health", "port": "web"}
    there = "test -e /tmp/there || { echo not there; exit 1; }"
    pods = {
        "flips": _pod(
            "sleep 1; touch /tmp/there; tell there; sleep 3; rm /tmp/there; tell away; " + FOREVER,
            readinessProbe=_exec(there),
        ),
        "dies": _pod(
            "trap 'tell TERM; exit 0' TERM; tell entrypoint; " + FOREVER,
            livenessProbe=_exec("echo no life; exit 1", initialDelaySeconds=1),
            lifecycle={"preStop": {"exec": {"command": shell("tell pre-stop")}}},
        ),
        "own-grace": {
            **_pod(DEAF, livenessProbe=_exec("exit 1", terminationGracePeriodSeconds=1)),
            "terminationGracePeriodSeconds": 60,
        },
        "starts-late": _pod(
            "tell entrypoint; sleep 2; touch /tmp/there; tell there; " + FOREVER,
            startupProbe=_exec(there, failureThreshold=20),
            livenessProbe=_exec("tell liveness"),
            readinessProbe=_exec("tell readiness"),
        ),
        "never-starts": _pod(
            "trap 'exit 0' TERM; tell entrypoint; " + FOREVER,
            startupProbe=_exec("tell startup; exit 1", failureThreshold=3),
            livenessProbe=_exec("tell liveness"),
        ),
        "http": _pod(SERVER, readinessProbe=_asks("httpGet", health), **named),
        "http-404": _pod(SERVER, readinessProbe=_asks("httpGet", {"path": "/none", "port": 8080})),
        "tcp": _pod(SERVER, readinessProbe=_asks("tcpSocket", {"port": "web"}), **named),
        "tcp-refused": _pod(FOREVER, readinessProbe=_asks("tcpSocket", {"port": 8081})),
        "hangs": _pod(FOREVER, readinessProbe={**_asks("exec", {"command": ["sleep", "1000"]}), "timeoutSeconds": 1}),
        "gated": spec(readinessGates=[{"conditionType": "example.com/shown"}]),
        "two-in-a-row": _pod(FOREVER, readinessProbe=_exec("tell asked", successThreshold=3)),
    }
    async with observed(node.kubeconfig, "probes", tmp_path_factory.mktemp("probes")) as here:
        ports = [{"port": 80, "targetPort": 8080}]
        service = {"metadata": {"name": "flips"}, "spec": {"selector": {"name": "flips"}, "ports": ports}}
        await here.client.create(SERVICES, {"apiVersion": "v1", "kind": "Service", **service}, "probes")
        await here.create(pods)
        yield here


async def _ready_addresses(here: Observed) -> tuple[list[bool], int, int]:
    """(ready of each endpoint in the slice, addresses and notReadyAddresses of Endpoints) of the Service."""
    slices = await here.client.list(ENDPOINT_SLICES, "probes", label_selector="kubernetes.io/service-name=flips")
    classic = await here.client.get(ENDPOINTS, "flips", "probes")
    subsets = classic.get("subsets") or []
    return (
        [one["conditions"]["ready"] for each in slices.items for one in each.get("endpoints") or ()],
        sum(len(one.get("addresses") or ()) for one in subsets),
        sum(len(one.get("notReadyAddresses") or ()) for one in subsets),
    )


async def _until_addresses(here: Observed, wanted: tuple[list[bool], int, int]) -> None:
    deadline = now() + 5
    while (found := await _ready_addresses(here)) != wanted:
        assert now() < deadline, f"{found}, not {wanted}"


async def test_readiness_goes_up_and_down_and_the_service_follows(here: Observed) -> None:
    up = await here.until("flips", lambda state: state.ready)
    await _until_addresses(here, ([True], 1, 0))
    there = here.time_of("flips", "there")
    assert there < up.at < there + 1 + slack(0.4)
    down = await here.until("flips", lambda state: state.at > up.at and not state.ready)
    away = here.time_of("flips", "away")
    assert away < down.at < away + 1 + slack(0.4)
    assert (down.phase, down.restarts(), down.condition("ContainersReady")) == ("Running", 0, "False")
    await _until_addresses(here, ([False], 0, 1))
    await here.until_event("flips", ("Warning", "Unhealthy", "Readiness probe failed: not there\n"))


async def test_a_failed_liveness_probe_restarts_the_container_with_its_hook_and_says_why(here: Observed) -> None:
    again = await here.until("dies", lambda state: state.restarts() == 1 and state.is_running())
    assert here.told("dies")[:4] == ["entrypoint", "pre-stop", "TERM", "entrypoint"]
    assert again.container()["lastState"]["terminated"]["reason"] == "Completed"
    await here.until_event("dies", ("Warning", "Unhealthy", "Liveness probe failed: no life\n"))
    await here.until_event("dies", ("Normal", "Killing", "Container main failed liveness probe, will be restarted"))


async def test_a_probe_with_a_grace_of_its_own_does_not_wait_for_the_pods(here: Observed) -> None:
    again = await here.until("own-grace", lambda state: state.restarts() == 1)
    last = (again.container().get("lastState") or again.container()["state"])["terminated"]
    assert (last["exitCode"], last["reason"]) == (137, "Error")
    # The Pod's grace is sixty seconds; the start of the next container is in it.
    assert again.at < here.time_of("own-grace", "TERM") + 2 + slack(2)


async def test_no_other_probe_runs_before_the_startup_probe_succeeds(here: Observed) -> None:
    ready = await here.until("starts-late", lambda state: state.ready)
    assert ready.container()["started"] is True
    waiting = [state for state in here.history["starts-late"] if state.is_running() and state.at < ready.at]
    assert waiting[0].container()["started"] is False
    await here.until_told("starts-late", "liveness")
    there = here.time_of("starts-late", "there")
    assert here.time_of("starts-late", "liveness") > there
    assert here.time_of("starts-late", "readiness") > there
    assert ready.restarts() == 0


async def test_a_failed_startup_probe_restarts_the_container(here: Observed) -> None:
    await here.until("never-starts", lambda state: state.restarts() == 1)
    told = here.told("never-starts")
    assert told[:5] == ["entrypoint", "startup", "startup", "startup", "entrypoint"]
    assert "liveness" not in told
    said = "Container main failed startup probe, will be restarted"
    await here.until_event("never-starts", ("Normal", "Killing", said))
    await here.until_event("never-starts", ("Warning", "Unhealthy", "Startup probe failed: "))


@pytest.mark.parametrize("name", ["http", "tcp", "two-in-a-row"])
async def test_a_probe_that_succeeds_makes_ready(here: Observed, name: str) -> None:
    await here.until(name, lambda state: state.ready)


async def test_ready_after_as_many_successes_as_asked_for(here: Observed) -> None:
    ready = await here.until("two-in-a-row", lambda state: state.ready)
    story = [at for at, _ in here.story("two-in-a-row")]
    assert story[2] < ready.at
    assert story[2] - story[0] == pytest.approx(2, abs=slack(0.2))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("http-404", "Readiness probe failed: HTTP probe failed with statuscode: 404"),
        ("tcp-refused", "Readiness probe failed: dial tcp {ip}:8081: connect: connection refused"),
        ("hangs", 'Readiness probe failed: command timed out: "sleep 1000" timed out after 1s'),
    ],
)
async def test_a_probe_that_fails_says_how(here: Observed, name: str, said: str) -> None:
    running = await here.until(name, lambda state: state.is_running() and bool(state.status.get("podIP")))
    await here.until_event(name, ("Warning", "Unhealthy", said.format(ip=running.status["podIP"])))
    assert not any(state.ready for state in here.history[name])


async def test_a_readiness_gate_holds_back_ready_until_somebody_opens_it(here: Observed) -> None:
    held = await here.until("gated", lambda state: state.condition("ContainersReady") == "True")
    assert not held.ready
    conditions = [{"type": "example.com/shown", "status": "True"}]
    await here.client.patch(
        PODS,
        "gated",
        {"status": {"conditions": [*held.status["conditions"], *conditions]}},
        "probes",
        subresource="status",
    )
    opened = await here.until("gated", lambda state: state.ready)
    assert opened.condition("example.com/shown") == "True"
