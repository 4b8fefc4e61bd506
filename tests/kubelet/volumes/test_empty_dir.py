"""emptyDir in memory: how large it may be."""

import pytest

from podwright.kubelet.volumes.empty_dir import memory_size


def pod(*limits: str | None, whole: str = "") -> dict:
    containers = [{"resources": {"limits": {"memory": limit} if limit else {}}} for limit in limits]
    spec: dict = {"containers": containers}
    if whole:
        spec["resources"] = {"limits": {"memory": whole}}
    return {"spec": spec}


@pytest.mark.parametrize(
    ("subject", "limit", "node", "expected"),
    [
        pytest.param(pod(None), None, {}, None, id="nothing bounds it"),
        pytest.param(pod(None), "1Mi", {"memory": "1Gi"}, 1 << 20, id="its own limit"),
        pytest.param(pod("1Mi", "2Mi"), None, {"memory": "1Gi"}, 3 << 20, id="what the containers may use together"),
        pytest.param(pod("1Mi", None), None, {"memory": "1Gi"}, 1 << 30, id="one container without a limit"),
        pytest.param(pod("1Mi"), "2Mi", {"memory": "1Gi"}, 1 << 20, id="the least counts"),
        pytest.param(pod(None, whole="4Mi"), None, {"memory": "1Gi"}, 4 << 20, id="a limit of the Pod"),
    ],
)
def test_size(subject: dict, limit: str | None, node: dict, expected: int | None) -> None:
    assert memory_size(subject, {"sizeLimit": limit} if limit else {}, node) == expected
