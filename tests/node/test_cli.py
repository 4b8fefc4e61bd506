"""The verbs, on the shared node."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.kubectl.tool import found_kubectls
from tests.node.running_node import PODWRIGHT, RunningNode

IMAGE = "podwright/busybox:1"


def kubectl(node: RunningNode, *arguments: str) -> None:
    program = found_kubectls()[-1]
    subprocess.run([program, "--kubeconfig", node.kubeconfig, *arguments], check=True, capture_output=True, timeout=60)


def podwright(node: RunningNode, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    verb = arguments[:2] if arguments[0] == "image" else arguments[:1]
    return subprocess.run(
        [PODWRIGHT, *verb, "--data-dir", node.data_dir, *arguments[len(verb) :]],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def manifest(folder: Path, name: str, *containers: dict[str, Any], policy: str = "Never") -> Path:
    """A Pod's manifest; containers are named a, b, ..."""
    named = [{"name": "abc"[number], "image": IMAGE, **container} for number, container in enumerate(containers)]
    spec = {"restartPolicy": policy, "terminationGracePeriodSeconds": 1, "containers": named}
    file = folder / f"{name}.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}))
    return file


def sh(script: str) -> dict[str, Any]:
    return {"command": ["sh", "-c", script]}


def test_run_ends_as_the_first_container_that_failed(node: RunningNode, tmp_path: Path) -> None:
    file = manifest(tmp_path, "cli-exit", sh("echo one; exit 7"), sh("echo two; exit 9"))
    done = podwright(node, "run", "--rm", file)
    assert (done.returncode, sorted(done.stdout.splitlines())) == (7, ["[a] one", "[b] two"]), done.stderr
    assert "pod/cli-exit deleted" in done.stderr
    assert podwright(node, "why", "cli-exit").returncode == 1


def test_run_runs_a_pod_that_has_ended_anew(node: RunningNode, tmp_path: Path) -> None:
    file = manifest(tmp_path, "cli-again", sh("echo here"))
    first = podwright(node, "run", file)
    second = podwright(node, "run", "--rm", file)
    assert (first.stdout, second.stdout) == ("here\n", "here\n"), second.stderr


def test_run_says_what_a_stuck_pod_needs_and_gives_up_in_time(node: RunningNode, tmp_path: Path) -> None:
    file = manifest(tmp_path, "cli-never", {"image": "example/none:1", "imagePullPolicy": "Never"})
    done = podwright(node, "run", "--rm", "--timeout", "3", file)
    assert done.returncode == 1
    assert "ErrImageNeverPull" in done.stderr
    assert "`podwright image import FILE --name example/none:1`" in done.stderr


def test_run_refuses_what_the_server_does_not_know(node: RunningNode, tmp_path: Path) -> None:
    done = podwright(node, "run", manifest(tmp_path, "cli-typo", {"comand": ["x"]}))
    assert done.returncode == 1
    assert ".spec.containers[0].comand: field not declared in schema" in done.stderr


def test_interrupted_run_deletes_what_it_created(node: RunningNode, tmp_path: Path) -> None:
    file = manifest(tmp_path, "cli-served", sh("echo up; sleep 1000"), policy="Always")
    with subprocess.Popen(
        [PODWRIGHT, "run", "--rm", "--data-dir", node.data_dir, file], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"up\n"
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 143
    assert b"pod/cli-served deleted" in said and b"Traceback" not in said


def workload(folder: Path, name: str, kind: str, one: dict[str, Any], **spec: Any) -> Path:
    """A Deployment's or a Job's manifest."""
    version, policy = ("batch/v1", "Never") if kind == "Job" else ("apps/v1", "Always")
    labels = {} if kind == "Job" else {"app": name}
    selector = {} if kind == "Job" else {"selector": {"matchLabels": labels}}
    pod = {
        "terminationGracePeriodSeconds": 1,
        "restartPolicy": policy,
        "containers": [{"name": "a", "image": IMAGE, **one}],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    made = {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name},
        "spec": {**selector, "template": template, **spec},
    }
    file = folder / f"{name}.json"
    file.write_text(json.dumps(made))
    return file


def test_run_waits_for_workloads_and_deletes_them_with_their_pods(node: RunningNode, tmp_path: Path) -> None:
    served = workload(tmp_path, "cli-rolled", "Deployment", sh("echo up; sleep 1000"), replicas=2)
    first = podwright(node, "run", served)
    assert (first.returncode, first.stdout) == (0, ""), first.stderr
    assert "deployment/cli-rolled is rolled out: 2 of 2 Pods available" in first.stderr
    with subprocess.Popen(
        [PODWRIGHT, "run", "--rm", "--data-dir", node.data_dir, served], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline().endswith(b"] up\n")
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130 and b"Traceback" not in said
    # It was there before: what this run did not create it does not delete.
    assert b"deleted" not in said
    kubectl(node, "delete", "deployment", "cli-rolled", "--cascade=foreground", "--wait")

    job = workload(tmp_path, "cli-job", "Job", sh("echo $HOSTNAME | cut -c1-7; exit 5"), backoffLimit=0)
    done = podwright(node, "run", "--rm", job)
    assert (done.returncode, done.stdout) == (5, "cli-job\n"), done.stderr
    assert "BackoffLimitExceeded" in done.stderr and "job/cli-job deleted" in done.stderr
    assert "cli-job" not in podwright(node, "ps").stdout


def test_run_says_why_a_workload_does_not_come_up(node: RunningNode, tmp_path: Path) -> None:
    missing = {"image": "example/none:1", "imagePullPolicy": "Never"}
    done = podwright(node, "run", "--rm", workload(tmp_path, "cli-none", "Deployment", missing))
    assert done.returncode == 1
    assert "deployment/cli-none will not get on by itself" in done.stderr and "ErrImageNeverPull" in done.stderr
    assert "deployment/cli-none deleted" in done.stderr and "cli-none" not in podwright(node, "ps").stdout


def test_status_ps_and_logs_of_a_pod(node: RunningNode, tmp_path: Path) -> None:
    file = manifest(tmp_path, "cli-seen", sh("echo first; echo last; sleep 1000"), policy="Always")
    assert podwright(node, "run", file).returncode == 0
    try:
        status = podwright(node, "status").stdout
        assert f"{node.name}, Ready" in status and "crun, runc" in status
        assert any(
            line.split()[1:4] == ["cli-seen", "a", "Running"] for line in podwright(node, "ps").stdout.splitlines()
        )
        assert podwright(node, "logs", "cli-seen", "--tail", "1").stdout == "last\n"
        assert "it runs and is Ready" in podwright(node, "why", "cli-seen").stdout
    finally:
        kubectl(node, "delete", "pod", "cli-seen", "--wait")


def test_hooks_output_is_shown(node: RunningNode, tmp_path: Path) -> None:
    hook = {"postStart": {"exec": {"command": ["sh", "-c", "echo from the hook"]}}}
    file = manifest(tmp_path, "cli-hooks", sh("sleep 1000") | {"lifecycle": hook}, policy="Always")
    assert podwright(node, "run", file).returncode == 0
    try:
        shown = podwright(node, "logs", "cli-hooks", "--hooks").stdout
        assert "postStart (exec): Succeeded" in shown and "  from the hook\n" in shown
    finally:
        kubectl(node, "delete", "pod", "cli-hooks", "--wait")


def test_images_come_and_go(node: RunningNode) -> None:
    assert podwright(node, "image", "import", "--example", "--name", "cli/thing:2").returncode == 0
    listed = podwright(node, "image", "ls").stdout
    assert "docker.io/cli/thing:2" in listed
    assert any(line.endswith("yes") and "pause" in line for line in listed.splitlines())
    unknown = podwright(node, "image", "rm", "cli/nothing:1")
    assert unknown.returncode == 1 and "no image cli/nothing:1" in unknown.stderr


def test_doctor_finds_nothing_missing(node: RunningNode) -> None:
    done = subprocess.run([PODWRIGHT, "doctor"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    assert "this machine can run Pods" in done.stdout
