"""LimitRanger and ResourceQuota: defaults, bounds, what is used up, and many who ask at once."""

from __future__ import annotations

import asyncio
import datetime
from typing import Any

import pytest
from tests.admission.requests import pod, write
from tests.fakes.client import FakeClient

from podwright.admission.interface import Attributes, Operation
from podwright.admission.limit_ranger import LimitRanger
from podwright.admission.limit_rules import ANNOTATION
from podwright.admission.resource_quota import ResourceQuota
from podwright.api.errors import Forbidden
from podwright.api.objects import Object
from podwright.api.resources import CONFIG_MAPS, LIMIT_RANGES, PERSISTENT_VOLUME_CLAIMS, PODS, RESOURCE_QUOTAS, SERVICES

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def limited(**resources: Any) -> Object:
    return pod(containers=[{"name": "app", "image": "app:1", "resources": resources}])


async def ranging(*items: dict[str, Any]) -> LimitRanger:
    client = FakeClient()
    await client.create(LIMIT_RANGES, {"metadata": {"name": "r"}, "spec": {"limits": list(items)}}, "default")
    return LimitRanger(client)


async def test_containers_that_say_nothing_get_the_defaults() -> None:
    plugin = await ranging(
        {"type": "Container", "default": {"cpu": "1", "memory": "1Gi"}, "defaultRequest": {"cpu": "500m"}}
    )
    made = limited(limits={"cpu": "2"})
    made["spec"]["initContainers"] = [{"name": "init"}]
    await plugin.admit(write(made))
    assert made["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "2", "memory": "1Gi"},
        "requests": {"cpu": "500m"},
    }
    assert made["spec"]["initContainers"][0]["resources"] == {
        "limits": {"cpu": "1", "memory": "1Gi"},
        "requests": {"cpu": "500m"},
    }
    assert made["metadata"]["annotations"][ANNOTATION] == (
        "LimitRanger plugin set: cpu request for container app; memory limit for container app; "
        "cpu request for init container init; cpu, memory limit for init container init"
    )


@pytest.mark.parametrize(
    ("item", "made", "why"),
    [
        pytest.param({"max": {"cpu": "1"}}, limited(limits={"cpu": "1"}), "", id="within its bounds"),
        pytest.param(
            {"max": {"cpu": "1"}},
            limited(limits={"cpu": "1500m"}),
            "maximum cpu usage per Container is 1, but limit is 1500m",
            id="more than may be",
        ),
        pytest.param(
            {"max": {"memory": "1Gi"}},
            limited(),
            "maximum memory usage per Container is 1Gi.  No limit is specified",
            id="no limit",
        ),
        pytest.param(
            {"min": {"cpu": "100m", "memory": "1Mi"}},
            limited(requests={"cpu": "50m"}),
            "[minimum cpu usage per Container is 100m, but request is 50m, "
            "minimum memory usage per Container is 1Mi.  No request is specified]",
            id="everything that is wrong",
        ),
        pytest.param(
            {"maxLimitRequestRatio": {"cpu": "2"}},
            limited(requests={"cpu": "1"}, limits={"cpu": "3"}),
            "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
            id="too far apart",
        ),
        pytest.param(
            {"type": "Pod", "max": {"cpu": "1"}},
            {
                **limited(limits={"cpu": "1"}),
                "spec": {**limited(limits={"cpu": "1"})["spec"], "overhead": {"cpu": "1m"}},
            },
            "maximum cpu usage per Pod is 1, but limit is 1001m",
            id="the Pod as a whole, with its overhead",
        ),
    ],
)
async def test_bounds(item: dict[str, Any], made: Object, why: str) -> None:
    plugin = await ranging({"type": "Container", **item})
    if not why:
        await plugin.validate(write(made))
        return
    with pytest.raises(Forbidden) as refused:
        await plugin.validate(write(made))
    assert refused.value.message == f'pods "p" is forbidden: {why}'


async def test_claims_have_bounds_too() -> None:
    plugin = await ranging({"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}})
    claim = {"metadata": {"name": "c"}, "spec": {"resources": {"requests": {"storage": "1Mi"}}}}
    with pytest.raises(Forbidden, match="minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi"):
        await plugin.validate(write(claim, resource=PERSISTENT_VOLUME_CLAIMS, name="c"))


# quotas


async def quotas(**hards: dict[str, str]) -> FakeClient:
    """Quotas by name of which nothing is used."""
    client = FakeClient()
    for name, hard in hards.items():
        status = {"hard": hard, "used": dict.fromkeys(hard, "0")}
        body = {"metadata": {"name": name}, "spec": {"hard": hard}, "status": status}
        await client.create(RESOURCE_QUOTAS, body, "default")
    return client


def plugin_for(client: FakeClient) -> ResourceQuota:
    return ResourceQuota(client, lambda: NOW)


async def used(client: FakeClient, name: str = "q") -> dict[str, str]:
    found: dict[str, str] = (await client.get(RESOURCE_QUOTAS, name, "default"))["status"]["used"]
    return found


async def test_what_comes_is_charged() -> None:
    client = await quotas(q={"requests.cpu": "2", "requests.memory": "1Gi", "pods": "3"})
    made = limited(requests={"cpu": "500m", "memory": "256Mi"})
    await plugin_for(client).validate(write(made))
    assert await used(client) == {"requests.cpu": "500m", "requests.memory": "256Mi", "pods": "1"}


@pytest.mark.parametrize(
    ("hard", "made", "why"),
    [
        pytest.param(
            {"requests.cpu": "1", "pods": "0"},
            limited(requests={"cpu": "1500m"}),
            "exceeded quota: q, requested: pods=1,requests.cpu=1500m, used: pods=0,requests.cpu=0, limited: "
            "pods=0,requests.cpu=1",
            id="more than there is",
        ),
        pytest.param(
            {"limits.cpu": "1"},
            limited(),
            "failed quota: q: must specify limits.cpu for: app",
            id="it cannot be counted",
        ),
    ],
)
async def test_a_quota_refuses(hard: dict[str, str], made: Object, why: str) -> None:
    client = await quotas(q=hard)
    with pytest.raises(Forbidden) as refused:
        await plugin_for(client).validate(write(made))
    assert refused.value.message == f'pods "p" is forbidden: {why}'


async def test_a_quota_that_was_never_counted_is_counted_at_once() -> None:
    client = FakeClient()
    spec = {"hard": {"pods": "2", "secrets": "9"}}
    await client.create(RESOURCE_QUOTAS, {"metadata": {"name": "q"}, "spec": spec}, "default")
    await client.create(PODS, {**limited(), "metadata": {"name": "there"}}, "default")
    plugin = plugin_for(client)
    await plugin.validate(write(limited()))
    status = (await client.get(RESOURCE_QUOTAS, "q", "default"))["status"]
    assert status == {"hard": {"pods": "2"}, "used": {"pods": "2"}}
    with pytest.raises(Forbidden, match="exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"):
        await plugin.validate(write(limited()))


async def test_of_twenty_at_once_five_get_in() -> None:
    client = await quotas(q={"count/configmaps": "5"}, wide={"configmaps": "100"})
    plugin = plugin_for(client)

    async def ask(number: int) -> None:
        made = {"metadata": {"name": f"c{number}"}}
        await plugin.validate(write(made, resource=CONFIG_MAPS, name=f"c{number}"))

    outcomes = await asyncio.gather(*map(ask, range(20)), return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 5
    assert sum(isinstance(outcome, Forbidden) for outcome in outcomes) == 15
    assert await used(client) == {"count/configmaps": "5"}
    assert await used(client, "wide") == {"configmaps": "5"}


async def test_an_update_is_charged_for_what_it_adds() -> None:
    client = await quotas(q={"services.nodeports": "2", "services": "0"})

    def service(ports: int) -> Object:
        return {"metadata": {"name": "s"}, "spec": {"type": "NodePort", "ports": [{}] * ports}}

    plugin = plugin_for(client)
    change = {"resource": SERVICES, "name": "s"}
    await plugin.validate(write(service(2), Operation.UPDATE, old=service(1), **change))  # type: ignore[arg-type]
    assert await used(client) == {"services.nodeports": "1", "services": "0"}
    with pytest.raises(Forbidden, match=r"exceeded quota: q, requested: services\.nodeports=2, used: "):
        await plugin.validate(write(service(4), Operation.UPDATE, old=service(2), **change))  # type: ignore[arg-type]
    await plugin.validate(write(service(1), Operation.UPDATE, old=service(2), **change))  # type: ignore[arg-type]
    assert await used(client) == {"services.nodeports": "0", "services": "0"}


async def test_a_dry_run_is_judged_and_not_charged() -> None:
    client = await quotas(q={"pods": "1"})
    request = write(limited())
    request.dry_run = True
    await plugin_for(client).validate(request)
    assert await used(client) == {"pods": "0"}


async def test_a_pod_that_is_resized_is_charged_for_the_difference_and_kept_in_bounds() -> None:
    client = await quotas(q={"requests.cpu": "1", "pods": "0"})

    def resize(cpu: str) -> Attributes:
        new, old = limited(requests={"cpu": cpu}, limits={"cpu": "2"}), limited(requests={"cpu": "500m"})
        return write(new, Operation.UPDATE, old=old, subresource="resize")

    await plugin_for(client).validate(resize("700m"))
    assert (await used(client))["requests.cpu"] == "200m"
    with pytest.raises(Forbidden, match=r"exceeded quota: q, requested: requests\.cpu=900m"):
        await plugin_for(client).validate(resize("1400m"))
    bounded = await ranging({"type": "Container", "max": {"cpu": "1"}})
    with pytest.raises(Forbidden, match="maximum cpu usage per Container is 1, but limit is 2"):
        await bounded.validate(resize("500m"))
