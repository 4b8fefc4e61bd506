"""Static Pods: run from a file on the node, shown in the API by a mirror that is not theirs to delete."""

from __future__ import annotations

import json

from tests.node.pods import Pods, container, pod, status_of
from tests.node.running_node import RunningNode

MIRROR = "kubernetes.io/config.mirror"


async def test_a_manifest_in_the_folder_is_a_pod(node: RunningNode, pods: Pods) -> None:
    name = f"static-{node.name}"
    file = node.static_pods / "static.json"
    one = pod("static", container())
    one["metadata"]["namespace"] = pods.namespace
    file.write_text(json.dumps(one))
    await pods.until(name, lambda one: True)
    mirror = await pods.ready(name)
    assert MIRROR in mirror["metadata"]["annotations"]
    assert mirror["metadata"]["ownerReferences"][0]["kind"] == "Node"
    running = status_of(mirror)["containerID"]

    await pods.delete(name, grace=0)
    again = await pods.until(name, lambda one: one["metadata"]["uid"] != mirror["metadata"]["uid"])
    again = await pods.ready(name)
    assert status_of(again)["containerID"] == running

    file.unlink()
    await pods.gone(name)
    assert f"{pods.namespace}/{name}" not in (await node.sandboxes()).ready
