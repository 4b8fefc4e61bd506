"""Pods, templates and namespaces as the admission chain shows them."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from tests.admission.requests import ALICE, write
from tests.fakes.client import FakeClient

from podwright.admission.interface import Attributes, Operation
from podwright.admission.pod_security.plugin import PodSecurity
from podwright.api.errors import Forbidden, InternalError, Invalid
from podwright.api.objects import Object
from podwright.api.resources import CRON_JOBS, DEPLOYMENTS, NAMESPACES, PODS

P = "pod-security.kubernetes.io/"
PLAIN: Object = {"containers": [{"name": "a", "image": "i"}]}
PRIVILEGED: Object = {"containers": [{"name": "a", "image": "i", "securityContext": {"privileged": True}}]}
BROKEN = 'privileged (container "a" must not set securityContext.privileged=true)'


async def labelled(**labels: str) -> tuple[FakeClient, PodSecurity]:
    client = FakeClient()
    named = {P + key.replace("_", "-"): value for key, value in labels.items()}
    await client.create(NAMESPACES, {"metadata": {"name": "default", "labels": named}})
    return client, PodSecurity(client)


def pod(spec: Object, **meta: Any) -> Object:
    return {"metadata": {"name": "p", "namespace": "default", **meta}, "spec": spec}


def namespace(**labels: str) -> Object:
    return {"metadata": {"name": "default", "labels": {P + k: v for k, v in labels.items()}}}


async def test_a_pod_that_breaks_what_is_enforced_is_refused() -> None:
    _, plugin = await labelled(enforce="baseline", enforce_version="v1.30")
    await plugin.validate(write(pod(PLAIN)))
    with pytest.raises(Forbidden) as refused:
        await plugin.validate(write(pod(PRIVILEGED)))
    assert refused.value.message == f'pods "p" is forbidden: violates PodSecurity "baseline:v1.30": {BROKEN}'


async def test_a_pod_is_warned_of_and_put_on_record(caplog: pytest.LogCaptureFixture) -> None:
    _, plugin = await labelled(warn="baseline", audit="baseline")
    attributes = write(pod(PRIVILEGED))
    with caplog.at_level(logging.INFO):
        await plugin.validate(attributes)
    assert attributes.warnings == [f'would violate PodSecurity "baseline:latest": {BROKEN}']
    assert "CREATE pods default/p by alice: pod-security.kubernetes.io/audit-violations=" in caplog.text


async def test_only_changes_that_matter_are_judged() -> None:
    _, plugin = await labelled(enforce="baseline")
    old = pod(PRIVILEGED)
    await plugin.validate(write(pod(PRIVILEGED, labels={"a": "b"}), Operation.UPDATE, old=old))
    other = {"containers": [{**PRIVILEGED["containers"][0], "image": "j"}]}
    debugged = {**PRIVILEGED, "ephemeralContainers": [{"name": "d", "image": "d"}]}
    for subresource, spec in (("", other), ("ephemeralcontainers", debugged)):
        with pytest.raises(Forbidden):
            await plugin.validate(write(pod(spec), Operation.UPDATE, old=old, subresource=subresource))
    await plugin.validate(write(pod(other), Operation.UPDATE, old=old, subresource="status"))


async def test_templates_are_warned_of_and_never_refused() -> None:
    _, plugin = await labelled(enforce="restricted", warn="baseline")
    template = {"spec": {"template": {"metadata": {}, "spec": PRIVILEGED}}}
    attributes = write(template, resource=DEPLOYMENTS)
    await plugin.validate(attributes)
    assert attributes.warnings == [f'would violate PodSecurity "baseline:latest": {BROKEN}']
    attributes = write({"spec": {"jobTemplate": template}}, resource=CRON_JOBS)
    await plugin.validate(attributes)
    assert len(attributes.warnings) == 1
    attributes = write(template, resource=DEPLOYMENTS, subresource="scale")
    await plugin.validate(attributes)
    assert attributes.warnings == []


async def test_labels_have_to_mean_something() -> None:
    _, plugin = await labelled()
    wrong, right = namespace(enforce="x"), namespace(enforce="baseline")

    def asked(obj: Object, old: Object | None = None) -> Attributes:
        operation = Operation.UPDATE if old else Operation.CREATE
        return Attributes(operation, NAMESPACES, ALICE, "", "default", "", obj, old)

    for attributes in (asked(wrong), asked(wrong, right)):
        with pytest.raises(Invalid) as refused:
            await plugin.validate(attributes)
        assert refused.value.message.startswith('Namespace "default" is invalid: metadata.labels[pod-security.kuber')
    await plugin.validate(asked(wrong, wrong))


async def test_a_label_that_pods_break_is_warned_of() -> None:
    client, plugin = await labelled()
    controller = [{"uid": "u", "kind": "ReplicaSet", "name": "r", "controller": True}]
    for name, spec, owners in (
        ("b", PRIVILEGED, controller),
        ("a", PRIVILEGED, controller),
        ("c", {**PRIVILEGED, "hostPID": True}, []),
        ("d", PLAIN, []),
    ):
        await client.create(PODS, pod(spec, name=name, ownerReferences=owners))
    new, old = namespace(enforce="baseline"), namespace()
    attributes = Attributes(Operation.UPDATE, NAMESPACES, ALICE, "", "default", "", new, old)
    await plugin.validate(attributes)
    assert attributes.warnings == [
        'existing pods in namespace "default" violate the new PodSecurity enforce level "baseline:latest"',
        "a (and 1 other pod): privileged",
        "c: host namespaces, privileged",
    ]
    relaxed = Attributes(Operation.UPDATE, NAMESPACES, ALICE, "", "default", "", old, new)
    await plugin.validate(relaxed)
    assert relaxed.warnings == []


async def test_no_namespace_no_judgement() -> None:
    with pytest.raises(InternalError):
        await PodSecurity(FakeClient()).validate(write(pod(PLAIN)))
