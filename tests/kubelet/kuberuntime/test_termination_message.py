from __future__ import annotations

from pathlib import Path

import pytest

from podwright.kubelet.kuberuntime.termination_message import log_tail, termination_message


def line(text: str, tag: str = "F") -> bytes:
    return f"2026-01-01T00:00:00.000000001Z stdout {tag} {text}\n".encode()


@pytest.mark.parametrize(
    ("log", "want"),
    [
        pytest.param(line("a") + line("b"), "a\nb\n", id="lines as they were said"),
        pytest.param(line("a", "P") + line("b"), "ab\n", id="parts of a line are put together"),
        pytest.param(b"01Z stdo" + b"\n" + line("b"), "b\n", id="a line that was cut off is left out"),
        pytest.param(
            b"".join(line(str(i)) for i in range(100)), "".join(f"{i}\n" for i in range(20, 100)), id="80 lines"
        ),
        pytest.param(line("x" * 3000), "x" * 2047 + "\n", id="2048 bytes"),
        pytest.param(b"", "", id="nothing"),
    ],
)
def test_the_end_of_a_log(log: bytes, want: str) -> None:
    assert log_tail(log) == want


def test_which_text_counts(tmp_path: Path) -> None:
    file, log = tmp_path / "m", tmp_path / "0.log"
    log.write_bytes(line("from the log"))
    assert termination_message(file, log, fall_back_to_log=False) == ""
    assert termination_message(file, log, fall_back_to_log=True) == "from the log\n"
    file.write_text("")
    assert termination_message(file, log, fall_back_to_log=True) == "from the log\n"
    file.write_text("a" + "b" * 4096)
    assert termination_message(file, log, fall_back_to_log=True) == "b" * 4096
    assert termination_message(None, tmp_path / "gone", fall_back_to_log=True) == ""
    assert termination_message(tmp_path, None, fall_back_to_log=False).startswith("Error on reading termination log")
