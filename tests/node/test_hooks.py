"""postStart and preStop of real containers: order, times, failures, and what a user is told of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from tests.node.observed import FOREVER, Observed, State, assert_at, container, observed, shell, slack, spec
from tests.node.running_node import RunningNode

from podwright.api.objects import Object, uid_of
from podwright.kubelet.assembly import pod_logs
from podwright.kubelet.lifecycle import hook_log
from podwright.kubelet.lifecycle.hook_log import HookRun

pytestmark = pytest.mark.asyncio(loop_scope="module")
ENTRYPOINT = "trap 'tell TERM; exit 0' TERM; tell entrypoint; " + FOREVER
DEAF = "trap 'tell TERM; while :; do tell alive; sleep 0.1; done' TERM; " + FOREVER
_TICK = 0.2
"""Seconds before its end when a container that tells all the time has told it last."""
SLOW = "trap 'tell TERM; sleep 1; tell stopped; exit 0' TERM; " + FOREVER


def _exec(script: str) -> Object:
    return {"exec": {"command": shell(script)}}


def _hooked(script: str = ENTRYPOINT, *, grace: int = 5, **hooks: Object) -> Object:
    return spec(container(script, lifecycle=hooks), terminationGracePeriodSeconds=grace)


class Receiver:
    """Takes HTTP hooks at loopback, on the node's network, and notes their paths."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.port = 0

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.paths.append(request.path_qs)
        if request.path == "/moved":
            return web.Response(status=302, headers={"Location": "/here?pod=moved"})
        status = 500 if request.path == "/broken" else 200
        return web.Response(status=status, text="a secret that the receiver tells")

    def get(self, path: str, scheme: str = "HTTP") -> Object:
        """A handler that asks it."""
        return {"httpGet": {"host": "127.0.0.1", "port": self.port, "path": path, "scheme": scheme}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    runner = web.ServerRunner(web.Server(receiver))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.port = runner.addresses[0][1]
    yield receiver
    await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(
    node: RunningNode, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Observed]:
    """All Pods of this module, started side by side."""
    stop_late = _exec("tell pre-stop; sleep 4; tell pre-stop-over")
    overlong = _exec("tell pre-stop; sleep 5.5; tell pre-stop-over")
    refused = {"httpGet": {"host": "127.0.0.1", "port": 1, "path": "/refused"}}
    never = {"restartPolicy": "Never"}
    async with observed(node.kubeconfig, "hooks", tmp_path_factory.mktemp("hooks")) as here:
        pods = {
            "order": _hooked(
                postStart=_exec("tell post-start; sleep 1.5; tell post-start-over"),
                preStop=_exec("tell pre-stop; sleep 1; tell pre-stop-over"),
            ),
            "two": spec(
                container("tell first; " + FOREVER, "first", lifecycle={"postStart": _exec("sleep 1; tell hooked")}),
                container("tell second; " + FOREVER, "second"),
            ),
            "seed-example": _hooked(DEAF, grace=6, preStop=stop_late),
            "little-left": _hooked(SLOW, grace=6, preStop=overlong),
            "deaf": _hooked(DEAF, grace=6, preStop=overlong),
            "pre-stop-hangs": _hooked(SLOW, grace=2, preStop=_exec("tell pre-stop; sleep 1000")),
            "post-start-hangs": _hooked(postStart=_exec("tell post-start; sleep 1000"), preStop=_exec("tell pre-stop")),
            "sleeps": _hooked(grace=6, preStop={"sleep": {"seconds": 2}}),
            "sleeps-zero": _hooked(postStart={"sleep": {"seconds": 0}}, preStop={"sleep": {"seconds": 0}}),
            "asks": _hooked(postStart=receiver.get("/up?pod=asks"), preStop=receiver.get("/down?pod=asks")),
            "asks-broken": _hooked(postStart=receiver.get("/broken")),
            "moved": _hooked(postStart=receiver.get("/moved")),
            "in-clear": _hooked(postStart=receiver.get("/in-clear", "HTTPS")),
            "connects": _hooked(postStart={"tcpSocket": {"host": "127.0.0.1", "port": receiver.port}}),
            "ends-itself": spec(container("tell entrypoint", lifecycle={"preStop": _exec("tell pre-stop")}), **never),
            "bad-pre-stop": _hooked(preStop={"exec": {"command": ["/bin/no-such-program"]}}),
            "bad-command": _hooked(postStart={"exec": {"command": ["/bin/no-such-program"]}}),
            "non-zero": _hooked(
                postStart=_exec("echo a secret of mine; echo and more >&2; exit 3"), preStop=_exec("tell pre-stop")
            ),
            "refused": _hooked(postStart=refused),
            "never-restarts": {**_hooked(postStart=_exec("exit 1")), **never},
        }
        await here.create(pods)
        await here.create(
            {"bounded": _hooked(postStart=_exec("sleep 1000"))}, {"podwright.dev/post-start-timeout": "1s"}
        )
        yield here


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked(here: Observed) -> dict[str, float]:
    """When each of the Pods with a grace to watch was asked to end: all at once."""
    names = ["seed-example", "little-left", "deaf", "pre-stop-hangs", "sleeps", "sleeps-zero"]
    await asyncio.gather(*(here.until(name, State.is_running) for name in names))
    return dict(zip(names, await asyncio.gather(*(here.delete(name) for name in names)), strict=True))


async def _runs(node: RunningNode, here: Observed, name: str) -> list[HookRun]:
    """The hook log of a Pod."""
    pod = here.history[name][-1].pod
    folder = pod_logs(node.data_dir) / f"hooks_{name}_{uid_of(pod)}"
    return list(await asyncio.to_thread(hook_log.read, folder))


async def test_entrypoint_and_post_start_run_side_by_side_and_running_waits_for_the_hook(here: Observed) -> None:
    running = await here.until("order", State.is_running)
    over = here.time_of("order", "post-start-over")
    assert here.time_of("order", "entrypoint") < over - 1
    assert running.at >= over
    assert all(
        state.waits_for("ContainerCreating") for state in here.history["order"] if state.container() and state.at < over
    )


async def test_the_next_container_starts_when_the_hook_is_over(here: Observed) -> None:
    await here.until_told("two", "second")
    assert here.told("two") == ["first", "hooked", "second"]


async def test_pre_stop_runs_before_term(here: Observed) -> None:
    await here.until("order", State.is_running)
    asked = await here.delete("order")
    gone = await here.until_gone("order")
    assert here.told("order")[-3:] == ["pre-stop", "pre-stop-over", "TERM"]
    assert_at(here.time_of("order", "TERM"), asked + 1)
    assert gone.at < asked + 1.5 + slack(0.5)


async def test_what_the_hook_left_of_the_grace_is_the_containers(here: Observed, asked: dict[str, float]) -> None:
    await here.until_gone("seed-example")
    assert_at(here.time_of("seed-example", "TERM"), asked["seed-example"] + 4)
    assert_at(here.story("seed-example")[-1][0], asked["seed-example"] + 6, early=_TICK)


async def test_two_seconds_are_left_at_least(here: Observed, asked: dict[str, float]) -> None:
    await asyncio.gather(here.until_gone("little-left"), here.until_gone("deaf"))
    assert_at(here.time_of("little-left", "TERM"), asked["little-left"] + 5.5)
    assert_at(here.time_of("little-left", "stopped"), asked["little-left"] + 6.5)
    assert_at(here.story("deaf")[-1][0], asked["deaf"] + 7.5, early=_TICK)


async def test_a_hanging_pre_stop_ends_with_the_grace(here: Observed, asked: dict[str, float]) -> None:
    gone = await here.until_gone("pre-stop-hangs")
    assert here.told("pre-stop-hangs") == ["pre-stop", "TERM", "stopped"]
    assert_at(here.time_of("pre-stop-hangs", "TERM"), asked["pre-stop-hangs"] + 2)
    assert gone.at < asked["pre-stop-hangs"] + 3 + slack(1)
    events = await here.events("pre-stop-hangs")
    assert [reason for _, reason, _ in events if reason == "FailedPreStopHook"] == []


async def test_sleep_hooks_sleep(here: Observed, asked: dict[str, float]) -> None:
    await asyncio.gather(here.until_gone("sleeps"), here.until_gone("sleeps-zero"))
    assert_at(here.time_of("sleeps", "TERM"), asked["sleeps"] + 2)
    assert_at(here.time_of("sleeps-zero", "TERM"), asked["sleeps-zero"])


async def test_a_hanging_post_start_does_not_wedge_deletion(here: Observed) -> None:
    await here.until_told("post-start-hangs", "post-start")
    asked = await here.delete("post-start-hangs")
    gone = await here.until_gone("post-start-hangs")
    assert here.told("post-start-hangs")[-2:] == ["pre-stop", "TERM"]
    assert gone.at < asked + 1 + slack(0.5)


async def test_http_hooks_reach_their_receiver_once(here: Observed, receiver: Receiver) -> None:
    await here.until("asks", State.is_running)
    await here.delete("asks")
    await here.until_gone("asks")
    assert [path for path in receiver.paths if path.endswith("=asks")] == ["/up?pod=asks", "/down?pod=asks"]


async def test_an_http_hook_that_is_answered_with_an_error_succeeds_and_says_so(
    node: RunningNode, here: Observed
) -> None:
    await here.until("asks-broken", State.is_running)
    said = "HTTP lifecycle hook was answered with status 500; any answer counts as success"
    await here.until_event("asks-broken", ("Warning", "LifecycleHTTPStatus", said))
    [run] = await _runs(node, here, "asks-broken")
    assert (run.result, run.httpStatus, run.output) == ("Succeeded", 500, "a secret that the receiver tells")
    assert "secret" not in str(await here.events("asks-broken"))


async def test_an_http_hook_follows_a_redirect(here: Observed, receiver: Receiver) -> None:
    await here.until("moved", State.is_running)
    assert receiver.paths.count("/here?pod=moved") == 1


async def test_an_https_hook_that_is_answered_in_clear_is_asked_so_and_says_it(
    here: Observed, receiver: Receiver
) -> None:
    await here.until("in-clear", State.is_running)
    where = f"127.0.0.1:{receiver.port}"
    said = f"request to HTTPS lifecycle hook {where} got HTTP response, retry with HTTP succeeded"
    await here.until_event("in-clear", ("Warning", "LifecycleHTTPFallback", said))
    assert receiver.paths.count("/in-clear") == 1


async def test_a_tcp_hook_succeeds_when_it_connects(here: Observed) -> None:
    await here.until("connects", State.is_running)


async def test_a_container_that_ends_by_itself_gets_no_pre_stop(here: Observed) -> None:
    await here.until("ends-itself", lambda state: state.phase == "Succeeded")
    await here.delete("ends-itself")
    await here.until_gone("ends-itself")
    assert here.told("ends-itself") == ["entrypoint"]


async def test_after_a_failed_pre_stop_term_follows(here: Observed) -> None:
    await here.until("bad-pre-stop", State.is_running)
    asked = await here.delete("bad-pre-stop")
    gone = await here.until_gone("bad-pre-stop")
    assert here.told("bad-pre-stop") == ["entrypoint", "TERM"]
    assert gone.at < asked + 1 + slack(0.5)
    await here.until_event("bad-pre-stop", ("Warning", "FailedPreStopHook", "PreStopHook failed"))


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        pytest.param("bad-command", "no such file or directory", id="a missing program"),
        pytest.param("non-zero", "exited with 3: and more", id="a command that fails"),
        pytest.param(
            "refused",
            'Get "http://127.0.0.1:1/refused": dial tcp 127.0.0.1:1: connect: connection refused',
            id="a refused connection",
        ),
        pytest.param("bounded", "not completed within 1 s", id="a hook that exceeds the Pod's limit"),
    ],
)
async def test_a_failed_post_start_kills_the_container_and_is_told(here: Observed, name: str, detail: str) -> None:
    state = await here.until(name, lambda state: state.waits_for("PostStartHookError"))
    message = state.state()[1]["message"]
    assert detail in message
    assert f'Container "main" in Pod "{name}_hooks({uid_of(state.pod)})" failed - error: ' in message
    await here.until_event(name, ("Warning", "FailedPostStartHook", "PostStartHook failed"))
    await here.until_event(name, ("Normal", "Killing", "FailedPostStartHook"))
    assert detail not in str(await here.events(name))
    assert not any(state.is_running() for state in here.history[name])
    await here.until(name, lambda state: state.waits_for("CrashLoopBackOff") and state.restarts() > 0)


async def test_a_failed_post_start_has_the_container_stopped_in_order_and_its_output_kept(
    node: RunningNode, here: Observed
) -> None:
    await here.until("non-zero", lambda state: state.waits_for("PostStartHookError"))
    assert [word for word in here.told("non-zero") if word != "entrypoint"][:2] == ["pre-stop", "TERM"]
    runs = await _runs(node, here, "non-zero")
    assert (runs[0].hook, runs[0].result, runs[0].exitCode) == ("postStart", "Failed", 3)
    assert runs[0].output == "a secret of mine\nand more\n"
    assert "secret" not in str(await here.events("non-zero"))


async def test_a_pod_that_never_restarts_ends_as_its_killed_container_did(here: Observed) -> None:
    ended = await here.until("never-restarts", lambda state: state.phase in ("Succeeded", "Failed"))
    assert ended.phase == "Succeeded"  # it exits 0 on TERM
    assert ended.restarts() == 0


async def test_hook_logs_are_for_root_alone(node: RunningNode, here: Observed) -> None:
    logs = list(pod_logs(node.data_dir).glob("hooks_*/hooks.log"))
    assert logs
    assert {path.stat().st_mode & 0o777 for path in logs} == {0o600}
