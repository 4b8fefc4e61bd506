"""Single commands of the newest kubectl: what it prints, and its exit status."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path

import pytest
from tests.kubectl.tool import SLEEP, Kubectl, columns, manifest


def test_top_is_refused_clearly(kubectl: Kubectl) -> None:
    assert kubectl.refused("top", "pods") == "error: Metrics API not available\n"


def test_api_resources_names_what_is_there_and_nothing_else(kubectl: Kubectl) -> None:
    rows = {row["NAME"]: row for row in columns(kubectl("api-resources"))}
    assert rows["pods"]["SHORTNAMES"] == "po" and rows["pods"]["KIND"] == "Pod"
    assert rows["runtimeclasses"]["NAMESPACED"] == "false"
    assert "volumeattachments" not in rows


def test_explain_reaches_any_field(kubectl: Kubectl) -> None:
    assert "postStart" in kubectl("explain", "pod.spec.containers.lifecycle")
    assert "terminationMessagePolicy" in kubectl("explain", "--recursive", "pod")
    assert 'field "nothing" does not exist' in kubectl.refused("explain", "pod.nothing")


def test_can_i_lists_what_the_administrator_may(kubectl: Kubectl) -> None:
    assert "*.*" in kubectl("auth", "can-i", "--list")
    assert kubectl("auth", "can-i", "delete", "pods") == "yes\n"


def test_an_unknown_pod_is_not_found(kubectl: Kubectl) -> None:
    assert kubectl.refused("get", "pod", "ghost") == 'Error from server (NotFound): pods "ghost" not found\n'


def test_a_docker_registry_secret_holds_a_docker_config(kubectl: Kubectl) -> None:
    kubectl("create", "secret", "docker-registry", "pull", "--docker-server=r.example:5000",
            "--docker-username=me", "--docker-password=word")  # fmt: skip
    secret = json.loads(kubectl("get", "secret", "pull", "-o", "json"))
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    config = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
    assert config["auths"]["r.example:5000"]["username"] == "me"


def test_kustomize_makes_names_and_config_maps(kubectl: Kubectl, tmp_path: Path) -> None:
    (tmp_path / "pod.json").write_text(manifest("base", SLEEP))
    (tmp_path / "kustomization.yaml").write_text(
        "resources: [pod.json]\nnamePrefix: made-\n"
        "configMapGenerator:\n- name: settings\n  literals: [a=1]\n  options: {disableNameSuffixHash: true}\n"
    )
    assert "pod/made-base created" in kubectl("apply", "-k", tmp_path)
    kubectl("wait", "--for=condition=Ready", "pod/made-base", "--timeout=30s")
    assert kubectl("get", "cm", "made-settings", "-o", "jsonpath={.data.a}") == "1"


def test_wait_ends_when_the_pod_is_gone(kubectl: Kubectl) -> None:
    kubectl.pod("p", SLEEP)
    with kubectl.talk("wait", "--for=delete", "pod/p", "--timeout=30s") as waiting:
        kubectl("delete", "pod", "p", "--wait=false")
        assert waiting.end() == 0


class TestChanging:
    def test_a_changed_label_and_image_are_applied_and_the_container_restarts(self, kubectl: Kubectl) -> None:
        kubectl.pod("p", SLEEP)
        changed = manifest("p", SLEEP, labels={"v": "2"}).replace('busybox:1"', 'busybox:1.0"')
        assert kubectl("apply", "-f", "-", stdin=changed) == "pod/p configured\n"
        kubectl("wait", "pod/p", "--timeout=30s",
                "--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ErrImagePull")  # fmt: skip
        assert kubectl("apply", "-f", "-", stdin=manifest("p", SLEEP)) == "pod/p configured\n"
        kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=30s")
        (row,) = columns(kubectl("get", "pods"))
        assert row["RESTARTS"].split()[0] == "1"

    def test_what_cannot_change_is_refused_and_said(self, kubectl: Kubectl) -> None:
        kubectl.pod("p", SLEEP)
        said = kubectl.refused("apply", "-f", "-", stdin=manifest("p", "exit 3"))
        assert 'The Pod "p" is invalid: spec: Forbidden: pod updates may not change fields other than' in said

    def test_diff_shows_what_an_apply_would_change(self, kubectl: Kubectl) -> None:
        kubectl.pod("p", SLEEP)
        same = kubectl.run("diff", "-f", "-", stdin=manifest("p", SLEEP))
        assert (same.returncode, same.stdout) == (0, "")
        other = kubectl.run("diff", "-f", "-", stdin=manifest("p", SLEEP, labels={"v": "2"}))
        assert other.returncode == 1 and re.search(r'^\+ +v: "2"$', other.stdout, re.MULTILINE)

    def test_server_side_apply_names_the_other_owner_and_can_be_forced(self, kubectl: Kubectl) -> None:
        mine, yours = (manifest("p", SLEEP, labels={"owner": who}) for who in ("me", "you"))
        kubectl("apply", "--server-side", "--field-manager=me", "-f", "-", stdin=mine)
        said = kubectl.refused("apply", "--server-side", "--field-manager=you", "-f", "-", stdin=yours)
        assert 'conflict with "me": .metadata.labels.owner' in said
        kubectl("apply", "--server-side", "--field-manager=you", "--force-conflicts", "-f", "-", stdin=yours)
        assert kubectl("get", "pod", "p", "-o", "jsonpath={.metadata.labels.owner}") == "you"

    def test_edit_saves_what_the_editor_wrote(self, kubectl: Kubectl) -> None:
        kubectl.pod("p", SLEEP)
        kubectl("label", "pod", "p", "colour=red")
        editor = {"KUBE_EDITOR": "sed -i 's/colour: red/colour: blue/'"}
        assert kubectl("edit", "pod", "p", env=editor) == "pod/p edited\n"
        assert kubectl("get", "pod", "p", "-o", "jsonpath={.metadata.labels.colour}") == "blue"

    @pytest.mark.parametrize(
        ("kind", "patch"),
        [
            pytest.param("strategic", '{"metadata":{"labels":{"a":"1"}}}', id="strategic"),
            pytest.param("merge", '{"metadata":{"labels":{"a":"1"}}}', id="merge"),
            pytest.param("json", '[{"op":"add","path":"/metadata/labels/a","value":"1"}]', id="json"),
        ],
    )
    def test_each_kind_of_patch(self, kubectl: Kubectl, kind: str, patch: str) -> None:
        kubectl("create", "-f", "-", stdin=manifest("p", SLEEP))
        kubectl("patch", "pod", "p", f"--type={kind}", "-p", patch)
        assert kubectl("get", "pod", "p", "-o", "jsonpath={.metadata.labels.a}") == "1"


class TestStreams:
    def test_exec_gives_back_the_exit_status_and_keeps_the_streams_apart(self, kubectl: Kubectl) -> None:
        kubectl.pod("p", SLEEP)
        done = kubectl.run("exec", "p", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
        assert (done.returncode, done.stdout) == (3, "out\n")
        assert done.stderr.startswith("err\n")

    def test_exec_carries_much_input_whole(self, kubectl: Kubectl) -> None:
        kubectl.pod("p", SLEEP)
        text = "0123456789abcde\n" * 100_000
        assert kubectl("exec", "-i", "p", "--", "wc", "-c", stdin=text).strip() == str(len(text))

    def test_exec_into_a_program_that_is_not_there_says_so(self, kubectl: Kubectl) -> None:
        kubectl.pod("p", SLEEP)
        done = kubectl.run("exec", "p", "--", "/nothing")
        assert done.returncode != 0 and "/nothing" in done.stderr

    def test_attach_reaches_the_process_itself(self, kubectl: Kubectl) -> None:
        container = {"name": "main", "image": "podwright/busybox:1", "stdin": True, "stdinOnce": True,
                     "command": ["sh", "-c", "while read line; do echo heard $line; done; echo bye"]}  # fmt: skip
        kubectl.pod("p", "", containers=[container], restartPolicy="Never")
        with kubectl.talk("attach", "-i", "p") as attached:
            attached.say("this\n")
            attached.until("heard this")
            attached.end()
        kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/p", "--timeout=30s")
        assert kubectl("logs", "p").splitlines() == ["heard this", "bye"]

    def test_run_at_a_terminal_and_remove(self, kubectl: Kubectl) -> None:
        with kubectl.terminal(
            "run", "shell", "--rm", "-it", "--restart=Never", "--image=podwright/busybox:1", "--", "sh"
        ) as shell:
            shell.until("If you don't see a command prompt")
            shell.say("\necho $((6*7))\n")
            shell.until("^42")
            shell.say("exit\n")
            assert shell.end(40) == 0
        assert 'pod "shell" deleted' in shell.output

    def test_logs_of_one_and_of_several_and_of_the_run_before(self, kubectl: Kubectl) -> None:
        script = "if [ -e /run/it/was ]; then echo second; sleep 1000; fi; touch /run/it/was; echo first; exit 1"
        container = {"name": "main", "image": "podwright/busybox:1", "command": ["sh", "-c", script],
                     "volumeMounts": [{"name": "it", "mountPath": "/run/it"}]}  # fmt: skip
        kubectl("apply", "-f", "-", stdin=manifest("p", "", containers=[container], volumes=[{"name": "it"}]))
        kubectl("wait", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", "pod/p", "--timeout=30s")
        kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=30s")
        with kubectl.talk("logs", "-f", "p") as following:
            following.until("^second$")
        assert kubectl("logs", "p", "--previous") == "first\n"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z first\n", kubectl("logs", "p", "-p", "--timestamps"))
        assert kubectl("logs", "-l", "app=p", "--prefix") == "[pod/p/main] second\n"
        assert "container nobody is not valid for pod p" in kubectl.refused("logs", "p", "-c", "nobody")

    def test_tail_and_limit(self, kubectl: Kubectl) -> None:
        kubectl.pod("p", f"seq 1 1000; {SLEEP}")
        with kubectl.talk("logs", "-f", "p") as following:
            following.until("^1000$")
        assert kubectl("logs", "p", "--tail=2") == "999\n1000\n"
        assert kubectl("logs", "p", "--limit-bytes=4") == "1\n2\n"
        assert kubectl("logs", "p", "--tail=0") == ""

    def test_a_debug_container_sees_the_processes_of_its_target(self, kubectl: Kubectl) -> None:
        kubectl.pod("p", "exec sleep 1234")
        with kubectl.terminal(
            "debug", "-it", "p", "--profile=general", "--image=podwright/busybox:1", "--target=main", "--", "sh"
        ) as shell:
            shell.until("If you don't see a command prompt")
            shell.say("\nps | grep 'sleep 12[3]4' && echo seen\n")
            shell.until("^seen")
            shell.say("exit\n")
            shell.end()
        kinds = "jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.exitCode}"
        kubectl("wait", f"--for={kinds}=0", "pod/p", "--timeout=30s")


class TestDeleting:
    def test_grace_is_respected(self, kubectl: Kubectl) -> None:
        script = "trap 'sleep 2; exit 0' TERM; echo ready; sleep 1000 & wait"
        kubectl.pod("p", script, terminationGracePeriodSeconds=20)
        with kubectl.talk("logs", "-f", "p") as logs:
            logs.until("^ready$")
        began = time.monotonic()
        kubectl("delete", "pod", "p")
        assert 2 <= time.monotonic() - began < 10

    def test_what_does_not_listen_is_killed_when_grace_is_over(self, kubectl: Kubectl) -> None:
        kubectl.pod("p", "trap '' TERM; while :; do sleep 1; done", terminationGracePeriodSeconds=30)
        began = time.monotonic()
        kubectl("delete", "pod", "p", "--grace-period=1")
        assert 1 <= time.monotonic() - began < 10

    def test_force_returns_at_once(self, kubectl: Kubectl) -> None:
        kubectl.pod("p", "trap '' TERM; while :; do sleep 1; done", terminationGracePeriodSeconds=30)
        began = time.monotonic()
        assert "force deleted" in kubectl("delete", "pod", "p", "--force", "--grace-period=0")
        assert time.monotonic() - began < 5
        assert "No resources found" in kubectl.run("get", "pods").stderr

    def test_a_namespace_takes_its_pods_along(self, kubectl: Kubectl) -> None:
        kubectl("create", "namespace", f"{kubectl.namespace}-short")
        kubectl("run", "short-lived", "--image=podwright/busybox:1", f"--namespace={kubectl.namespace}-short", "--",
                "sh", "-c", SLEEP)  # fmt: skip
        kubectl("delete", "namespace", f"{kubectl.namespace}-short", "--timeout=30s")
        assert kubectl("get", "pods", "-A", "-o", "name", "--field-selector=metadata.name=short-lived").strip() == ""
