"""What a Pod is called inside."""

import pytest

from podwright.kubelet.environment.hostname import PodName, kernel_hostname, pod_name


def pod(name: str = "web", **spec: object) -> dict:
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": spec}


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        pytest.param(pod(), PodName("web"), id="the name of the Pod"),
        pytest.param(pod("a" * 70), PodName("a" * 63), id="cut at 63"),
        pytest.param(pod("a" * 61 + "-.b"), PodName("a" * 61), id="no dash or dot at the end"),
        pytest.param(pod(hostname="busy"), PodName("busy"), id="its own hostname"),
        pytest.param(pod(subdomain="db"), PodName("web", "db.shop.svc.cluster.local"), id="a subdomain gives a domain"),
        pytest.param(pod(hostname="h", subdomain="db", hostnameOverride="x.y"), PodName("x.y"), id="override wins"),
    ],
)
def test_pod_name(subject: dict, expected: PodName) -> None:
    assert pod_name(subject, "cluster.local") == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        pytest.param(pod(subdomain="db"), "web", id="the short name"),
        pytest.param(pod(subdomain="db", setHostnameAsFQDN=True), "web.db.shop.svc.cluster.local", id="the whole name"),
        pytest.param(pod(setHostnameAsFQDN=True), "web", id="no domain, no whole name"),
        pytest.param(pod(hostNetwork=True), "", id="none on the host's network"),
    ],
)
def test_kernel_hostname(subject: dict, expected: str) -> None:
    assert kernel_hostname(subject, "cluster.local") == expected


def test_a_whole_name_that_is_too_long_is_refused() -> None:
    name = "w" * 40 + ".db.shop.svc.cluster.local"
    expected = (
        f"failed to construct FQDN from pod hostname and cluster domain, FQDN {name} is too long "
        f"(64 characters is the max, {len(name)} characters requested)"
    )
    with pytest.raises(ValueError) as caught:
        kernel_hostname(pod("w" * 40, subdomain="db", setHostnameAsFQDN=True), "cluster.local")
    assert str(caught.value) == expected
