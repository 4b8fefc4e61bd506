"""KubeletConfiguration: what is read, what is refused, what is only named."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from podwright.kubelet.configuration import ConfigurationError, KubeletConfiguration, Loaded, decode, load
from podwright.kubelet.configuration_values import Threshold


def from_fields(flags: dict[str, Any] | None = None, **given: Any) -> Loaded:
    return decode({"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", **given}, "f", flags)


READ = {
    "a whole number": ("maxPods", 5, 5),
    "a duration": ("imageMinimumGCAge", "1h2m3.5s", 3723.5),
    "milliseconds": ("syncFrequency", "300ms", 0.3),
    "a zero duration": ("imageMaximumGCAge", "0", 0.0),
    "a size": ("containerLogMaxSize", "5Mi", 5 << 20),
    "addresses": ("clusterDNS", ["10.0.0.10", "fd00::1"], ("10.0.0.10", "fd00::1")),
    "an amount and a share": (
        "evictionHard",
        {"memory.available": "1Gi", "nodefs.available": "5%"},
        {"memory.available": Threshold(amount=Decimal(1 << 30)), "nodefs.available": Threshold(share=0.05)},
    ),
    "reserved resources": ("systemReserved", {"cpu": "500m"}, {"cpu": "500m"}),
    "feature gates": ("featureGates", {"ContainerStopSignals": True}, {"ContainerStopSignals": True}),
}


@pytest.mark.parametrize(("name", "value", "meaning"), READ.values(), ids=READ.keys())
def test_a_field_is_read(name: str, value: Any, meaning: Any) -> None:
    assert getattr(from_fields(**{name: value}).configuration, name) == meaning


def test_the_back_off_maximum_is_nested() -> None:
    config = from_fields(crashLoopBackOff={"maxContainerRestartPeriod": "20s"}).configuration
    assert config.crashLoopBackOffMaxContainerRestartPeriod == 20.0


REFUSED = {
    "an unknown field": ({"maxPod": 3}, "f: unknown field maxPod"),
    "an unknown nested field": ({"crashLoopBackOff": {"max": "1s"}}, "f: unknown field crashLoopBackOff.max"),
    "our own spelling of a nested field": (
        {"crashLoopBackOffMaxContainerRestartPeriod": "1s"},
        "f: unknown field crashLoopBackOffMaxContainerRestartPeriod",
    ),
    "a wrong type": ({"maxPods": "many"}, "f: maxPods: expected a whole number, got 'many'"),
    "a boolean as a number": ({"maxPods": True}, "f: maxPods: expected a whole number, got True"),
    "a bad duration": ({"syncFrequency": "10"}, "f: syncFrequency: expected a duration such as \"1m30s\", got '10'"),
    "a bad address": ({"clusterDNS": ["dns"]}, "f: clusterDNS: 'dns' does not appear to be an IPv4 or IPv6 address"),
    "an unknown eviction signal": ({"evictionHard": {"mem": "1"}}, "f: evictionHard: unknown key 'mem'"),
    "a bad percentage": (
        {"evictionHard": {"memory.available": "200%"}},
        "f: evictionHard: [memory.available]: eviction percentage threshold must be between 0% and 100%, got 200%",
    ),
    "parallel pulls that are serialized": (
        {"maxParallelImagePulls": 2, "serializeImagePulls": True},
        "f: invalid configuration: maxParallelImagePulls cannot be larger than 1 unless SerializeImagePulls "
        "(--serialize-image-pulls) is set to false",
    ),
    "no parallel pull at all": (
        {"maxParallelImagePulls": 0},
        "f: invalid configuration: maxParallelImagePulls 0 must be a positive number",
    ),
    "a low threshold above the high one": (
        {"imageGCLowThresholdPercent": 90},
        "f: invalid configuration: imageGCLowThresholdPercent (--image-gc-low-threshold) 90 must be less than "
        "imageGCHighThresholdPercent (--image-gc-high-threshold) 85",
    ),
    "a kernel parameter that is not a Pod's own": (
        {"allowedUnsafeSysctls": ["kernel.msg*", "vm.swappiness"]},
        "f: invalid configuration: allowedUnsafeSysctls: 'vm.swappiness' is not known to be of a Pod's own",
    ),
    "a maximum age below the minimum": (
        {"imageMaximumGCAge": "1m"},
        "f: invalid configuration: imageMaximumGCAge 60s must be greater than imageMinimumGCAge 120s",
    ),
    "an unknown verification policy": (
        {"imagePullCredentialsVerificationPolicy": "Maybe"},
        "f: imagePullCredentialsVerificationPolicy: must be one of",
    ),
    "a back-off that is too long": (
        {"crashLoopBackOff": {"maxContainerRestartPeriod": "10m"}},
        "f: invalid configuration: CrashLoopBackOff.MaxContainerRestartPeriod (got: 600s) must be set between",
    ),
    "a gate that is no longer one": (
        {"featureGates": {"PodLifecycleSleepAction": False}},
        "f: invalid configuration: cannot set feature gate PodLifecycleSleepAction to false, feature is locked to true",
    ),
    "graces for all and by priority": (
        {"shutdownGracePeriod": "10s", "shutdownGracePeriodByPodPriority": [{"priority": 0}]},
        "f: invalid configuration: Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod",
    ),
    "a soft threshold without its grace": (
        {"evictionSoft": {"memory.available": "1Gi"}},
        "f: invalid configuration: evictionSoftGracePeriod: grace period must be specified for the soft eviction "
        "threshold memory.available",
    ),
    "critical Pods with more grace than all": (
        {"shutdownGracePeriodCriticalPods": "10s"},
        "f: invalid configuration: shutdownGracePeriod 0s must be >= shutdownGracePeriodCriticalPods 10s",
    ),
}


@pytest.mark.parametrize(("given", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_wrong_is_refused_and_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_fields(**given)
    assert str(caught.value).startswith(message)


def test_another_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected apiVersion"):
        decode({"apiVersion": "v1", "kind": "Pod"}, "f")


def test_parallel_pulls_switch_serial_pulling_off() -> None:
    assert from_fields(maxParallelImagePulls=3).configuration.serializeImagePulls is False


def test_own_eviction_thresholds_replace_the_defaults() -> None:
    assert "nodefs.available" not in from_fields(evictionHard={"memory.available": "1Gi"}).configuration.evictionHard


def test_own_eviction_thresholds_can_be_merged_with_the_defaults() -> None:
    config = from_fields(evictionHard={"memory.available": "1Gi"}, mergeDefaultEvictionSettings=True).configuration
    assert config.evictionHard["memory.available"].of(0) == 1 << 30
    assert config.evictionHard["nodefs.available"].of(1000) == 100


def test_fields_that_do_nothing_are_named_in_one_warning() -> None:
    assert from_fields(topologyManagerPolicy="none", hairpinMode="x").warnings == (
        "f: accepted but not acted on: hairpinMode, topologyManagerPolicy",
    )


def test_flags_win_over_the_file_and_gates_are_merged() -> None:
    config = from_fields({"maxPods": 7, "featureGates": {"B": True}}, maxPods=5, featureGates={"A": True}).configuration
    assert (config.maxPods, config.featureGates) == (7, {"A": True, "B": True})


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "kubelet.yaml"
    path.write_text("apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 9\n")
    assert load(path).configuration.maxPods == 9


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "No such file or directory", id="a file that is not there"),
        pytest.param("a: [", "neither YAML nor JSON", id="a broken file"),
        pytest.param("[]", "expected an object of kind KubeletConfiguration", id="a list"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "kubelet.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_without_a_file_the_defaults_hold() -> None:
    assert load(None).configuration == KubeletConfiguration()
