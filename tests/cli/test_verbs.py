"""Rows of `ps`, logs that don't mix, and what verbs say when there is no node."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.cli.pods import pod, running, terminated

from podwright.cli.main import main
from podwright.cli.pod_logs import LineWriter, LogQuery, default_container
from podwright.cli.ps import rows


def test_ps_has_a_row_for_each_container() -> None:
    now = datetime.datetime(2026, 1, 1, 0, 1, 30, tzinfo=datetime.UTC)
    seen = pod({"a": running(), "b": terminated(3)}, restarts=2)
    assert rows([seen], now) == [
        ("default", "web", "a", "Running", "2", "90s", "example/app:1"),
        ("default", "web", "b", "Error (3)", "2", "30s", "example/app:1"),
    ]


def test_prefixed_lines_stay_whole() -> None:
    written: list[bytes] = []
    writer = LineWriter("[a] ", written.append)
    for chunk in (b"one\ntw", b"o\nthree"):
        writer.feed(chunk)
    writer.end()
    assert b"".join(written) == b"[a] one\n[a] two\n[a] three\n"


def test_the_log_of_a_pod_is_that_of_its_first_app_container_or_the_annotated_one() -> None:
    seen = pod({"a": {}, "b": {}}, init={"i": {}})
    assert default_container(seen) == ("a", ["i", "a", "b"])
    seen["metadata"]["annotations"] = {"kubectl.kubernetes.io/default-container": "b"}
    assert default_container(seen)[0] == "b"


def test_a_tail_of_none_is_asked_for_as_such() -> None:
    assert LogQuery("a", tail=0).parameters()["tailLines"] == "0"


@pytest.mark.parametrize("arguments", [["status"], ["ps"], ["logs", "x"], ["why", "x"], ["image", "ls"]])
def test_verbs_say_how_to_start_a_node_that_is_not_up(arguments: list[str], tmp_path: Path) -> None:
    answer = CliRunner().invoke(main, [*arguments, "--data-dir", str(tmp_path)])
    assert (answer.exit_code, "podwright up --detach" in answer.output) == (3, True)


def test_files_are_read_before_a_node_is_started(tmp_path: Path) -> None:
    answer = CliRunner().invoke(main, ["run", "--data-dir", str(tmp_path / "data"), str(tmp_path / "none.yaml")])
    assert (answer.exit_code, "none.yaml: No such file" in answer.output) == (1, True)
    assert not (tmp_path / "data").exists()
