"""Which containers are probed and what the others learn: a runner that answers as told, real tasks, short periods."""

import asyncio
import datetime
from collections.abc import AsyncIterator

import pytest
from tests.fakes.kubelet import FakeEvents
from tests.fakes.waiting import eventually

from podwright.api.objects import Object
from podwright.kubelet.environment.downward_api import NodeFacts
from podwright.kubelet.prober.manager import ProbeManager
from podwright.kubelet.prober.runners import ProbeOutcome, Result
from podwright.kubelet.runtime_state import ContainerState, ContainerStatus, PodRuntimeStatus, SandboxStatus

NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
QUICK = {"periodSeconds": 0.002, "exec": {"command": ["x"]}}
OK = ProbeOutcome(Result.SUCCESS)
BAD = ProbeOutcome(Result.FAILURE, "no")


class Answers:
    """A ProbeRunner: what it answers now, by the name of the probe's command."""

    def __init__(self) -> None:
        self.now: dict[str, ProbeOutcome | Exception] = {}
        self.asked: list[tuple[str, str, str]] = []

    async def run(
        self, probe: Object, container: Object, container_id: str, address: str, timeout: float
    ) -> ProbeOutcome:
        name = probe["exec"]["command"][0]
        self.asked.append((name, container_id, address))
        answer = self.now.get(name, OK)
        if isinstance(answer, Exception):
            raise answer
        return answer


def probe(name: str, **numbers: float) -> dict:
    return {**QUICK, "exec": {"command": [name]}, **numbers}


def pod(**probes: dict) -> dict:
    container = {"name": "c", **{f"{name}Probe": value for name, value in probes.items()}}
    return {"metadata": {"uid": "u"}, "spec": {"containers": [container]}}


def runtime(container_id: str = "id-1", state: ContainerState = ContainerState.RUNNING) -> PodRuntimeStatus:
    container = ContainerStatus(container_id, "c", state, 0, "i", "i", started_at=NOW)
    return PodRuntimeStatus("u", sandboxes=[SandboxStatus("s", True, 0, NOW, ["10.0.0.5"])], containers=[container])


class Bench:
    def __init__(self) -> None:
        self.answers = Answers()
        self.events = FakeEvents()
        self.changed: list[str] = []
        self.manager = ProbeManager(
            self.answers,  # type: ignore[arg-type]
            self.events,
            node=lambda: NodeFacts(host_ips=["192.0.2.1"]),
            on_change=self.changed.append,
            clock=lambda: NOW,
        )

    def begin(self, subject: dict, status: PodRuntimeStatus | None = None) -> ProbeManager:
        self.manager.add_pod(subject)
        self.manager.observe(status or runtime())
        return self.manager

    def count(self, name: str) -> int:
        return sum(1 for asked in self.answers.asked if asked[0] == name)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.manager.close()


async def test_a_container_becomes_ready_and_unready_again(bench: Bench) -> None:
    manager = bench.begin(pod(readiness=probe("r")))
    assert manager.is_ready("u", "c", "id-1") is False
    await eventually(lambda: manager.is_ready("u", "c", "id-1"))
    assert bench.changed == ["u"]
    bench.answers.now["r"] = BAD
    await eventually(lambda: not manager.is_ready("u", "c", "id-1"))
    assert bench.events.seen == [("Unhealthy", "Readiness probe failed: no")] * 3
    assert bench.events.field_paths[0] == "spec.containers{c}"
    assert bench.answers.asked[0] == ("r", "id-1", "10.0.0.5")


async def test_a_dead_container_must_be_restarted_and_is_probed_no_more(bench: Bench) -> None:
    bench.answers.now["l"] = BAD
    manager = bench.begin(pod(liveness=probe("l")))
    assert await eventually(lambda: manager.must_restart("u", "c", "id-1")) == "liveness"
    assert bench.count("l") == 3
    await asyncio.sleep(0.02)
    assert bench.count("l") == 3
    bench.answers.now["l"] = OK
    manager.observe(runtime("id-2"))
    assert manager.must_restart("u", "c", "id-2") == ""
    await eventually(lambda: bench.count("l") > 3)


async def test_startup_holds_the_others_back(bench: Bench) -> None:
    bench.answers.now["s"] = BAD
    manager = bench.begin(pod(startup=probe("s", failureThreshold=1000), liveness=probe("l"), readiness=probe("r")))
    await eventually(lambda: bench.count("s") > 2)
    assert bench.count("l") == bench.count("r") == 0
    assert manager.is_started("u", "c", "id-1") is False
    bench.answers.now["s"] = OK
    await eventually(lambda: manager.is_started("u", "c", "id-1") and manager.is_ready("u", "c", "id-1"))
    await eventually(lambda: bench.count("l"))
    probes = bench.count("s")
    await eventually(lambda: bench.count("l") > 3)
    assert bench.count("s") == probes


async def test_a_startup_that_fails_is_a_reason_to_restart(bench: Bench) -> None:
    bench.answers.now["s"] = BAD
    manager = bench.begin(pod(startup=probe("s", failureThreshold=2)))
    assert await eventually(lambda: manager.must_restart("u", "c", "id-1")) == "startup"


async def test_termination_ends_liveness_and_startup_but_not_readiness(bench: Bench) -> None:
    bench.answers.now["l"] = BAD
    manager = bench.begin(pod(liveness=probe("l"), readiness=probe("r")))
    await eventually(lambda: manager.must_restart("u", "c", "id-1"))
    manager.stop_liveness_and_startup("u")
    assert manager.must_restart("u", "c", "id-1") == ""
    before = bench.count("r")
    await eventually(lambda: bench.count("r") > before + 2)


async def test_a_container_that_ended_is_not_ready_and_not_probed(bench: Bench) -> None:
    manager = bench.begin(pod(readiness=probe("r")))
    await eventually(lambda: manager.is_ready("u", "c", "id-1"))
    manager.observe(runtime(state=ContainerState.EXITED))
    assert manager.is_ready("u", "c", "id-1") is False
    before = bench.count("r")
    await asyncio.sleep(0.02)
    assert bench.count("r") == before


async def test_what_the_api_said_before_our_restart_holds(bench: Bench) -> None:
    subject = pod(startup=probe("s"), readiness=probe("r", initialDelaySeconds=60))
    subject["status"] = {"containerStatuses": [{"containerID": "containerd://id-1", "started": True, "ready": True}]}
    manager = bench.begin(subject)
    assert manager.is_started("u", "c", "id-1") is True
    assert manager.is_ready("u", "c", "id-1") is True
    assert bench.count("s") == 0


async def test_a_probe_that_cannot_run_is_tried_three_times_and_counts_neither_way(bench: Bench) -> None:
    bench.answers.now["l"] = ProbeOutcome(Result.ERROR, "broken")
    manager = bench.begin(pod(liveness=probe("l", failureThreshold=1)))
    await eventually(lambda: len(bench.events.seen) >= 2)
    expected = ("Unhealthy", "Liveness probe errored and resulted in unknown state: broken")
    assert bench.events.seen[0] == expected
    assert bench.count("l") >= 6
    assert manager.must_restart("u", "c", "id-1") == ""


async def test_a_runner_that_breaks_is_an_error_of_that_probe(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.answers.now["l"] = RuntimeError("bug")
    bench.begin(pod(liveness=probe("l")))
    await eventually(lambda: bench.events.seen)
    assert bench.events.seen[0][1].endswith("unknown state: RuntimeError: bug")
    assert "Liveness probe of container c" in caplog.text


async def test_a_warning_is_a_success_that_is_told(bench: Bench) -> None:
    bench.answers.now["r"] = ProbeOutcome(Result.WARNING, "moved")
    manager = bench.begin(pod(readiness=probe("r")))
    await eventually(lambda: manager.is_ready("u", "c", "id-1"))
    assert bench.events.seen[0] == ("ProbeWarning", "Readiness probe warning: moved")


async def test_a_pod_without_probes_costs_nothing(bench: Bench) -> None:
    manager = bench.begin(pod())
    assert manager.is_ready("u", "c", "id-1") is None
    assert manager.is_started("u", "c", "id-1") is None
    assert manager.must_restart("u", "c", "id-1") == ""


async def test_sidecars_are_probed_and_init_containers_are_not(bench: Bench) -> None:
    subject = {
        "metadata": {"uid": "u"},
        "spec": {
            "initContainers": [
                {"name": "c", "restartPolicy": "Always", "readinessProbe": probe("sidecar")},
                {"name": "d", "readinessProbe": probe("init")},
            ],
            "containers": [{"name": "e"}],
        },
    }
    bench.answers.now["sidecar"] = BAD
    bench.begin(subject)
    await eventually(lambda: bench.events.field_paths)
    assert bench.events.field_paths[0] == "spec.initContainers{c}"
    assert bench.manager.is_ready("u", "d", "id") is None


async def test_on_the_host_network_the_nodes_address_is_probed(bench: Bench) -> None:
    subject = pod(readiness=probe("r"))
    subject["spec"]["hostNetwork"] = True
    bench.begin(subject)
    await eventually(lambda: bench.answers.asked)
    assert bench.answers.asked[0][2] == "192.0.2.1"


async def test_a_removed_pod_is_forgotten(bench: Bench) -> None:
    manager = bench.begin(pod(readiness=probe("r")))
    manager.remove_pod("u")
    assert manager.is_ready("u", "c", "id-1") is None
    await asyncio.sleep(0.01)
    assert bench.count("r") <= 1


async def test_a_thousand_probes_are_all_on_time(bench: Bench) -> None:
    """Each is due once a second; in a second and a half each has come, none twice within its period."""
    for number in range(1000):
        subject = pod(readiness=probe("r", periodSeconds=1))
        subject["metadata"]["uid"] = f"u{number}"
        bench.manager.add_pod(subject)
        status = runtime()
        bench.manager.observe(PodRuntimeStatus(f"u{number}", containers=status.containers))
    await eventually(lambda: bench.count("r") >= 2000)
    assert bench.count("r") <= 3000
