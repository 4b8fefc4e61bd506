"""The numbered examples, run as their first lines say."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.kubectl.tool import found_kubectls
from tests.node.running_node import PODWRIGHT, RunningNode

EXAMPLES = Path(__file__).parents[2] / "examples"


def kubectl(node: RunningNode, *arguments: str) -> None:
    program = found_kubectls()[-1]
    subprocess.run([program, "--kubeconfig", node.kubeconfig, *arguments], check=True, capture_output=True, timeout=60)


def run(node: RunningNode, example: str) -> subprocess.CompletedProcess[str]:
    """`podwright run --rm` for what ends; what serves would be followed for ever."""
    ends = example not in SERVING
    return subprocess.run(
        [PODWRIGHT, "run", "--data-dir", node.data_dir, *(["--rm"] if ends else []), EXAMPLES / example],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


SERVING = {"02-web.yaml": "web", "04-probes.yaml": "probes", "06-hooks.yaml": "hooks"}


@pytest.mark.parametrize(
    ("example", "printed"),
    [
        pytest.param("01-hello.yaml", "Hello from Pod hello on node", id="a Pod that prints and ends"),
        pytest.param(
            "03-init-and-sidecar.yaml", "[main] prepared before anything else ran", id="init container and sidecar"
        ),
        pytest.param("05-runtime-classes.yaml", "[with-crun] started by crun", id="two runtimes"),
        pytest.param("07-config.yaml", "Good day, I am config.", id="configuration from outside"),
    ],
)
def test_examples_that_end(node: RunningNode, example: str, printed: str) -> None:
    done = run(node, example)
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout


def test_a_diary_is_kept_for_the_next_pod(node: RunningNode) -> None:
    words = [PODWRIGHT, "run", "--data-dir", node.data_dir, EXAMPLES / "11-claim.yaml"]
    try:
        for entries in (1, 2):
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
            assert done.stdout == f"entries: {entries}\n"
            kubectl(node, "delete", "pod", "diary", "--wait")
    finally:
        kubectl(node, "delete", "pod,pvc", "diary", "--wait", "--ignore-not-found")


@pytest.mark.parametrize("example", SERVING)
def test_examples_that_serve(node: RunningNode, example: str) -> None:
    done = run(node, example)
    try:
        assert done.returncode == 0, done.stderr
        assert f"pod/{SERVING[example]} is Ready at" in done.stderr
    finally:
        kubectl(node, "delete", "--wait", "-f", str(EXAMPLES / example))


def test_every_example_is_run() -> None:
    ending = {"01-hello.yaml", "03-init-and-sidecar.yaml", "05-runtime-classes.yaml", "07-config.yaml", "11-claim.yaml"}
    # test_webhooks.py, test_runtime_class.py, tests/kubectl/test_workloads.py
    elsewhere = {"08-pin-digests.yaml", "09-one-runtime-two-settings.yaml", "10-rollout.yaml"}
    assert {file.name for file in EXAMPLES.glob("*.yaml")} == ending | set(SERVING) | elsewhere
