"""What is kept of hooks."""

from pathlib import Path

from podwright.kubelet.lifecycle.hook_log import FILE_NAME, OUTPUT_LIMIT, HookRun, append, read, tail


def run(container: str = "web", output: str = "") -> HookRun:
    return HookRun("2026-01-02T00:00:00.000000Z", container, "id", "postStart", "exec", "Succeeded", 0.5, output=output)


def test_runs_come_back_in_order(tmp_path: Path) -> None:
    append(tmp_path / "logs", run("a"))
    append(tmp_path / "logs", run("b"))
    assert [r.container for r in read(tmp_path / "logs")] == ["a", "b"]


def test_only_root_can_read_them(tmp_path: Path) -> None:
    append(tmp_path, run())
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_no_file_means_no_runs(tmp_path: Path) -> None:
    assert read(tmp_path) == ()


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    append(tmp_path, run())
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(b'{"time": "20')
    assert len(read(tmp_path)) == 1


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    for number in range(100):
        append(tmp_path, run(str(number), "x" * OUTPUT_LIMIT))
    assert (tmp_path / FILE_NAME).stat().st_size < 2 * 1024 * 1024
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert read(tmp_path)[-1].container == "99"


def test_the_end_of_the_output_is_kept() -> None:
    assert tail(b"a" * OUTPUT_LIMIT + b"end") == "a" * (OUTPUT_LIMIT - 3) + "end"
    assert tail(b"\xff") == "\ufffd"
