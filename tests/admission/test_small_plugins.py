"""Namespace life, default tolerations, priorities and pinned digests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.admission.requests import pod, write
from tests.fakes.client import FakeClient

from podwright.admission.default_toleration_seconds import DefaultTolerationSeconds
from podwright.admission.image_digest import ANNOTATION, ImageDigest
from podwright.admission.interface import Operation
from podwright.admission.namespace_lifecycle import NamespaceLifecycle
from podwright.admission.priority import Priority
from podwright.api.errors import Forbidden, NotFound
from podwright.api.objects import Object, copy_object
from podwright.api.resources import DEPLOYMENTS, NAMESPACES, NODES, PRIORITY_CLASSES


class TestNamespaceLifecycle:
    async def test_a_namespace_that_is_there_takes_new_objects(self) -> None:
        client = FakeClient()
        await client.create(NAMESPACES, {"metadata": {"name": "default"}})
        await NamespaceLifecycle(client).admit(write(pod()))

    async def test_a_namespace_that_is_not_there(self) -> None:
        with pytest.raises(NotFound) as missing:
            await NamespaceLifecycle(FakeClient()).admit(write(pod()))
        assert missing.value.message == 'namespaces "default" not found'

    async def test_a_namespace_that_is_going(self) -> None:
        client = FakeClient()
        await client.create(NAMESPACES, {"metadata": {"name": "default"}, "status": {"phase": "Terminating"}})
        with pytest.raises(Forbidden) as refused:
            await NamespaceLifecycle(client).admit(write(pod()))
        assert refused.value.message == (
            'pods "p" is forbidden: unable to create new content in namespace default because it is being terminated'
        )
        assert refused.value.details["causes"][0]["reason"] == "NamespaceTerminating"

    @pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
    async def test_some_namespaces_stay(self, name: str) -> None:
        with pytest.raises(Forbidden) as refused:
            await NamespaceLifecycle(FakeClient()).admit(write(None, Operation.DELETE, resource=NAMESPACES, name=name))
        assert refused.value.message == f'namespaces "{name}" is forbidden: this namespace may not be deleted'

    async def test_others_may_go_and_updates_and_nodes_pass(self) -> None:
        plugin, client = NamespaceLifecycle(FakeClient()), FakeClient()
        await plugin.admit(write(None, Operation.DELETE, resource=NAMESPACES, name="mine"))
        await plugin.admit(write(pod(), Operation.UPDATE, old=pod()))
        await plugin.admit(write({}, resource=NODES))
        assert client.calls == []


def toleration(key: str, seconds: int | None = 300, **more: Any) -> dict[str, Any]:
    made = {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", **more}
    return made if seconds is None else {**made, "tolerationSeconds": seconds}


BOTH = [toleration("not-ready"), toleration("unreachable")]


@pytest.mark.parametrize(
    ("own", "all_of_them"),
    [
        pytest.param([], BOTH, id="both are added"),
        pytest.param(
            [toleration("not-ready", 5)],
            [toleration("not-ready", 5), toleration("unreachable")],
            id="the Pod's own stays",
        ),
        pytest.param([{"operator": "Exists"}], [{"operator": "Exists"}], id="everything is tolerated already"),
        pytest.param(
            [{"operator": "Exists", "effect": "NoSchedule"}],
            [{"operator": "Exists", "effect": "NoSchedule"}, *BOTH],
            id="another effect does not count",
        ),
    ],
)
@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.UPDATE], ids=["create", "update"])
async def test_default_tolerations(own: list[Any], all_of_them: list[Any], operation: Operation) -> None:
    made = pod(tolerations=copy_object(own))
    await DefaultTolerationSeconds().admit(write(made, operation, old=pod()))
    assert made["spec"]["tolerations"] == all_of_them


@pytest.mark.parametrize(
    ("spec", "priority"),
    [
        pytest.param({}, 0, id="no class"),
        pytest.param({"priorityClassName": "system-cluster-critical"}, 2_000_000_000, id="critical to the cluster"),
        pytest.param({"priorityClassName": "system-node-critical"}, 2_000_001_000, id="critical to the node"),
        pytest.param({"priority": 0}, 0, id="the number that is computed"),
    ],
)
async def test_priority(spec: dict[str, Any], priority: int) -> None:
    made = pod(**spec)
    await Priority(FakeClient()).admit(write(made))
    assert (made["spec"]["priority"], made["spec"]["preemptionPolicy"]) == (priority, "PreemptLowerPriority")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        pytest.param({"priorityClassName": "gold"}, "no PriorityClass with name gold was found", id="no such class"),
        pytest.param(
            {"priority": 7},
            "the integer value of priority (7) must not be provided in pod spec; "
            "priority admission controller computed 0 from the given PriorityClass name",
            id="another number",
        ),
        pytest.param(
            {"preemptionPolicy": "Never"},
            "the string value of PreemptionPolicy (Never) must not be provided in pod spec; "
            "priority admission controller computed PreemptLowerPriority from the given PriorityClass name",
            id="another policy",
        ),
    ],
)
async def test_priority_refusal(spec: dict[str, Any], why: str) -> None:
    with pytest.raises(Forbidden) as refused:
        await Priority(FakeClient()).admit(write(pod(**spec)))
    assert refused.value.message == f'pods "p" is forbidden: {why}'


async def test_an_update_keeps_the_priority() -> None:
    made = pod()
    await Priority(FakeClient()).admit(write(made, Operation.UPDATE, old=pod(priority=5, preemptionPolicy="Never")))
    assert (made["spec"]["priority"], made["spec"]["preemptionPolicy"]) == (5, "Never")


async def classes(*made: dict[str, Any]) -> FakeClient:
    client = FakeClient()
    for one in made:
        await client.create(PRIORITY_CLASSES, {"metadata": {"name": one.pop("name")}, **one})
    return client


@pytest.mark.parametrize(
    ("spec", "given"),
    [
        pytest.param({"priorityClassName": "gold"}, ("gold", 100, "Never"), id="the class that is named"),
        pytest.param({}, ("bronze", 5, "PreemptLowerPriority"), id="of two defaults the lower one"),
        pytest.param({"priorityClassName": "silver"}, ("silver", 50, "PreemptLowerPriority"), id="not the default"),
    ],
)
async def test_priority_by_class(spec: dict[str, Any], given: tuple[str, int, str]) -> None:
    client = await classes(
        {"name": "gold", "value": 100, "preemptionPolicy": "Never"},
        {"name": "silver", "value": 50, "globalDefault": True},
        {"name": "bronze", "value": 5, "globalDefault": True},
    )
    made = pod(**spec)
    await Priority(client).admit(write(made))
    assert tuple(made["spec"][f] for f in ("priorityClassName", "priority", "preemptionPolicy")) == given


async def test_only_one_class_is_the_default() -> None:
    client = await classes({"name": "gold", "value": 100, "globalDefault": True})
    plugin = Priority(client)
    for name in ("gold", "silver"):
        made = {"metadata": {"name": name}, "globalDefault": name == "gold"}
        await plugin.validate(write(made, Operation.UPDATE, resource=PRIORITY_CLASSES, name=name))
    second = {"metadata": {"name": "silver"}, "globalDefault": True}
    with pytest.raises(Forbidden) as refused:
        await plugin.validate(write(second, resource=PRIORITY_CLASSES, name="silver"))
    assert refused.value.message == (
        'priorityclasses.scheduling.k8s.io "silver" is forbidden: PriorityClass gold is already marked as default. '
        "Only one default can exist"
    )


class TestImageDigest:
    DIGEST = "sha256:" + "a" * 64

    async def resolve(self, image: str, made: Object) -> str:
        if image == "gone:1":
            raise ValueError("the registry has no such tag")
        return self.DIGEST

    async def test_each_tag_is_pinned_once_and_said(self) -> None:
        pinned = f"b@{self.DIGEST}"
        made = pod(
            containers=[{"name": "a", "image": "a:1"}, {"name": "b", "image": pinned}],
            volumes=[{"name": "v", "image": {"reference": "a:1"}}],
        )
        await ImageDigest(self.resolve).admit(write(made))
        spec = made["spec"]
        assert [c["image"] for c in spec["containers"]] == [f"a:1@{self.DIGEST}", pinned]
        assert spec["volumes"][0]["image"]["reference"] == f"a:1@{self.DIGEST}"
        assert json.loads(made["metadata"]["annotations"][ANNOTATION]) == {"a:1": self.DIGEST}

    async def test_a_template_is_pinned_and_the_same_tag_written_again_keeps_its_digest(self) -> None:
        def deployment(image: str, more: str = f"b@{self.DIGEST}") -> Object:
            images = [{"name": "a", "image": image}, {"name": "b", "image": more}]
            return {"metadata": {"name": "d"}, "spec": {"template": {"spec": {"containers": images}}}}

        moved = "sha256:" + "c" * 64

        async def resolve_later(image: str, made: Object) -> str:
            return moved

        first = deployment("a:1")
        await ImageDigest(self.resolve).admit(write(first, resource=DEPLOYMENTS))
        assert first["spec"]["template"]["spec"]["containers"][0]["image"] == f"a:1@{self.DIGEST}"
        assert json.loads(first["spec"]["template"]["metadata"]["annotations"][ANNOTATION]) == {"a:1": self.DIGEST}
        again, other = deployment("a:1"), deployment("a:2")
        for made in (again, other):
            await ImageDigest(resolve_later).admit(write(made, Operation.UPDATE, resource=DEPLOYMENTS, old=first))
        assert again == first
        assert other["spec"]["template"]["spec"]["containers"][0]["image"] == f"a:2@{moved}"
        assert json.loads(other["spec"]["template"]["metadata"]["annotations"][ANNOTATION]) == {"a:2": moved}
        # a status, or how many there should be, is no template
        before = copy_object(other)
        for subresource in ("status", "scale"):
            request = write(other, Operation.UPDATE, resource=DEPLOYMENTS, old=first, subresource=subresource)
            await ImageDigest(resolve_later).admit(request)
        assert other == before

    async def test_a_digest_that_cannot_be_found_out(self) -> None:
        with pytest.raises(Forbidden) as refused:
            await ImageDigest(self.resolve).admit(write(pod(containers=[{"name": "a", "image": "gone:1"}])))
        assert refused.value.message == (
            'pods "p" is forbidden: the digest of image "gone:1" cannot be found out: the registry has no such tag'
        )
