"""What `up` remembers of the flags it was given."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from podwright.cli import run, up
from podwright.cli.instance import Instance
from podwright.cli.main import main


def _given(*arguments: str) -> list[str]:
    with up.command.make_context("up", list(arguments)) as ctx:
        flags = {name: value for name, value in ctx.params.items() if name not in ("data_dir", "detach", "verbose")}
        return up._given(ctx, flags)


def test_flags_are_told_as_they_can_be_given_again_and_only_those_that_were_given() -> None:
    flags = ["--listen=[::1]:7000", "--node-labels=a=b,c=d", "--feature-gates=A=true,B=false", "--dns=false"]
    plugins = "--enable-admission-plugins=A,B"
    assert _given("--detach", "--data-dir", "/d", *flags, plugins) == [*flags, plugins]
    assert _given("--detach") == []


def test_a_file_is_told_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kubelet.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert _given("--config", "kubelet.yaml") == [f"--config={tmp_path / 'kubelet.yaml'}"]


def test_a_configuration_of_admission_that_is_wrong_is_refused_by_its_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up.os, "geteuid", lambda: 0)
    file = tmp_path / "admission.yaml"
    plugins = [{"name": "ImagePolicyWebhook"}]
    file.write_text(
        json.dumps({"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration", "plugins": plugins})
    )
    flag = f"--admission-control-config-file={file}"
    assert _given(flag) == [flag]
    told = CliRunner().invoke(main, ["up", "--data-dir", str(tmp_path / "data"), flag])
    assert told.exit_code == 1
    assert f'{file}: plugins[0].name: Unsupported value: "ImagePolicyWebhook": supported' in told.output
    assert not (tmp_path / "data").exists()


def test_run_starts_a_stopped_node_with_the_flags_of_its_last_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}))
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "podwright.lock").write_text(json.dumps(asdict(Instance(1, flags=["--listen=127.0.0.1:7000"]))))
    asked: list[list[str]] = []

    def start(arguments: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(arguments)
        return subprocess.CompletedProcess(arguments, 1)

    monkeypatch.setattr(run.subprocess, "run", start)
    answer = CliRunner().invoke(main, ["run", "--data-dir", str(data_dir), str(file)])
    assert (answer.exit_code, asked[0][-3:]) == (1, ["--data-dir", str(data_dir), "--listen=127.0.0.1:7000"])


def test_labels_that_are_not_a_nodes_to_give_are_refused_at_once() -> None:
    told = CliRunner().invoke(main, ["up", "--node-labels=disk=ssd,node-role.kubernetes.io/db=,kubernetes.io/os=linux"])
    assert told.exit_code == 2
    assert "a node may not give itself node-role.kubernetes.io/db: labels" in " ".join(told.output.split())
