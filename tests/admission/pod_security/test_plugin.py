"""Pods, templates and namespaces as the admission chain shows them."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from tests.admission.requests import ALICE, write
from tests.fakes.client import FakeClient

from podwright.admission.interface import Attributes, Operation
from podwright.admission.pod_security.configuration import PodSecurityConfiguration
from podwright.admission.pod_security.levels import Level, Policy, Profile
from podwright.admission.pod_security.plugin import PodSecurity
from podwright.api.errors import Forbidden, InternalError, Invalid
from podwright.api.objects import Object
from podwright.api.resources import CRON_JOBS, DEPLOYMENTS, NAMESPACES, PODS

P = "pod-security.kubernetes.io/"
PLAIN: Object = {"containers": [{"name": "a", "image": "i"}]}
PRIVILEGED: Object = {"containers": [{"name": "a", "image": "i", "securityContext": {"privileged": True}}]}
BROKEN = 'privileged (container "a" must not set securityContext.privileged=true)'


async def labelled(told: PodSecurityConfiguration | None = None, **labels: str) -> tuple[FakeClient, PodSecurity]:
    client = FakeClient()
    named = {P + key.replace("_", "-"): value for key, value in labels.items()}
    await client.create(NAMESPACES, {"metadata": {"name": "default", "labels": named}})
    return client, PodSecurity(client, told)


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


async def test_a_namespace_without_labels_asks_for_what_is_configured() -> None:
    _, plugin = await labelled(PodSecurityConfiguration(Policy(enforce=Profile(Level.BASELINE))))
    with pytest.raises(Forbidden):
        await plugin.validate(write(pod(PRIVILEGED)))
    _, plugin = await labelled(PodSecurityConfiguration(Policy(enforce=Profile(Level.BASELINE))), enforce="privileged")
    await plugin.validate(write(pod(PRIVILEGED)))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        pytest.param(PodSecurityConfiguration(namespaces=frozenset({"default"})), "namespace", id="its namespace"),
        pytest.param(PodSecurityConfiguration(usernames=frozenset({"alice"})), "user", id="who makes it"),
        pytest.param(PodSecurityConfiguration(runtime_classes=frozenset({"vm"})), "runtimeClass", id="its class"),
    ],
)
async def test_what_is_exempt_is_let_through_and_put_on_record(
    told: PodSecurityConfiguration, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, plugin = await labelled(told, enforce="restricted", warn="restricted", audit="restricted")
    spec = {**PRIVILEGED, "runtimeClassName": "vm"}
    made, template = write(pod(spec)), write({"spec": {"template": {"spec": spec}}}, resource=DEPLOYMENTS)
    with caplog.at_level(logging.INFO):
        for attributes in (made, template):
            await plugin.validate(attributes)
            assert attributes.warnings == []
    assert caplog.text.count(f"pod-security.kubernetes.io/exempt='{why}'") == 2
    assert "audit-violations" not in caplog.text


async def test_others_are_not_exempt() -> None:
    told = PodSecurityConfiguration(usernames=frozenset({"bob"}), runtime_classes=frozenset({"vm"}))
    _, plugin = await labelled(told, enforce="baseline")
    with pytest.raises(Forbidden):
        await plugin.validate(write(pod({**PRIVILEGED, "runtimeClassName": "other"})))


@pytest.mark.parametrize(
    ("labels", "old", "said"),
    [
        pytest.param({"enforce": "baseline", "audit": "restricted"}, None, "enforce=baseline:latest, "
                     "audit=restricted:latest", id="made with labels"),
        pytest.param({"enforce": "baseline"}, {}, "enforce=baseline:latest", id="labelled"),
        pytest.param({"warn": "baseline"}, {}, "", id="what is enforced stays"),
        pytest.param({"enforce": "privileged"}, None, "", id="nothing is asked for"),
        pytest.param({}, None, "", id="no labels"),
    ],
)  # fmt: skip
async def test_labels_of_an_exempt_namespace_are_said_to_have_no_effect(
    labels: dict[str, str], old: dict[str, str] | None, said: str
) -> None:
    client, plugin = await labelled(PodSecurityConfiguration(namespaces=frozenset({"default"})))
    await client.create(PODS, pod(PRIVILEGED))
    operation = Operation.CREATE if old is None else Operation.UPDATE
    before = None if old is None else namespace(**old)
    attributes = Attributes(operation, NAMESPACES, ALICE, "", "default", "", namespace(**labels), before)
    await plugin.validate(attributes)
    wanted = f'namespace "default" is exempt from Pod Security, and the policy ({said}) will be ignored'
    assert attributes.warnings == ([wanted] if said else [])


async def test_pods_of_an_exempt_class_are_no_reason_for_a_warning() -> None:
    client, plugin = await labelled(PodSecurityConfiguration(runtime_classes=frozenset({"vm"})))
    await client.create(PODS, pod({**PRIVILEGED, "runtimeClassName": "vm"}))
    attributes = Attributes(
        Operation.UPDATE, NAMESPACES, ALICE, "", "default", "", namespace(enforce="baseline"), namespace()
    )
    await plugin.validate(attributes)
    assert attributes.warnings == []
