from __future__ import annotations

import pytest
from tests.kubelet.kuberuntime.pods import container, pod

from podwright.kubelet.kuberuntime.termination_order import waits_for

POD = pod(
    container("a"),
    container("b"),
    init=[container("s1", restartPolicy="Always"), container("i"), container("s2", restartPolicy="Always")],
    ephemeralContainers=[container("dbg")],
)


@pytest.mark.parametrize(
    ("running", "want"),
    [
        pytest.param(["a", "b"], {"a": "", "b": ""}, id="app containers end at once"),
        pytest.param(["a", "b", "s1", "s2"], {"a": "", "b": "", "s2": "a b", "s1": "a b s2"}, id="sidecars in reverse"),
        pytest.param(["s1", "i"], {"s1": "", "i": ""}, id="an init container holds back nobody"),
        pytest.param(["s1", "s2"], {"s2": "", "s1": "s2"}, id="what does not run is not waited for"),
        pytest.param(["dbg", "a"], {"dbg": "", "a": ""}, id="ephemeral containers end at once"),
    ],
)
def test_order(running: list[str], want: dict[str, str]) -> None:
    assert waits_for(POD, running) == {name: frozenset(before.split()) for name, before in want.items()}
