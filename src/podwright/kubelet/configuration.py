"""The kubelet's configuration: a KubeletConfiguration file and flags become one frozen value.

Called once by `app` before anything starts. Decoding is strict: an unknown field or a value that means nothing is a
ConfigurationError that names the file and the field. Fields that Kubernetes knows and this kubelet does not act on
are accepted and named in one warning, so that nobody believes in a setting that does nothing.
Page: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from podwright.kubelet.configuration_values import (
    EVICTION_SIGNALS,
    PriorityGrace,
    Reader,
    Threshold,
    addresses,
    boolean,
    duration,
    integer,
    map_of,
    objects,
    one_of,
    priority_graces,
    quantity,
    quantity_bytes,
    text,
    texts,
    threshold,
)
from podwright.kubelet.sysctls import wrong_patterns

API_VERSION = "kubelet.config.k8s.io/v1beta1"
KIND = "KubeletConfiguration"

_ACCEPTED = """
    enableServer podLogsDir fileCheckFrequency httpCheckFrequency staticPodURL staticPodURLHeader readOnlyPort
    tlsCertFile tlsPrivateKeyFile tlsCipherSuites tlsMinVersion tlsCurvePreferences rotateCertificates
    serverTLSBootstrap authentication authorization eventRecordQPS eventBurst enableDebuggingHandlers
    enableContentionProfiling healthzPort healthzBindAddress oomScoreAdj streamingConnectionIdleTimeout
    nodeStatusReportFrequency volumeStatsAggPeriod kubeletCgroups systemCgroups cgroupRoot cgroupDriver
    cpuManagerPolicy singleProcessOOMKill cpuManagerPolicyOptions cpuManagerReconcilePeriod memoryManagerPolicy
    topologyManagerPolicy topologyManagerScope topologyManagerPolicyOptions qosReserved runtimeRequestTimeout
    hairpinMode podCIDR runOnce cpuCFSQuota cpuCFSQuotaPeriod maxOpenFiles contentType kubeAPIQPS kubeAPIBurst
    enableControllerAttachDetach protectKernelDefaults makeIPTablesUtilChains
    iptablesMasqueradeBit iptablesDropBit failSwapOn memorySwap containerLogMaxWorkers
    configMapAndSecretChangeDetectionStrategy reservedSystemCPUs showHiddenMetricsForVersion systemReservedCgroup
    kubeReservedCgroup volumePluginDir kernelMemcgNotification logging
    enableSystemLogHandler enableSystemLogQuery reservedMemory enableProfilingHandler enableDebugFlagsHandler
    seccompDefault memoryThrottlingFactor tracing localStorageCapacityIsolation containerRuntimeEndpoint
    imageServiceEndpoint failCgroupV1 userNamespaces podsPerCore"""
NOT_ACTED_ON = frozenset(_ACCEPTED.split())
"""Fields of v1beta1 that are accepted and named in a warning."""

LOCKED = ("PodLifecycleSleepAction", "PodLifecycleSleepActionAllowZero")
"""Feature gates that can still be named and no longer be switched off, as of v1.36."""

DEFAULT_EVICTION: Mapping[str, Threshold] = {
    "memory.available": Threshold(amount=Decimal(100 << 20)),
    "nodefs.available": Threshold(share=0.10),
    "nodefs.inodesFree": Threshold(share=0.05),
    "imagefs.available": Threshold(share=0.15),
    "imagefs.inodesFree": Threshold(share=0.05),
}


class ConfigurationError(Exception):
    """The configuration cannot be used; the text names where it stands and what is wrong."""


def _of(read: Reader, default: Any = None, *, factory: Callable[[], Any] | None = None) -> Any:
    if factory is not None:
        return field(default_factory=factory, metadata={"read": read})
    return field(default=default, metadata={"read": read})


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeletConfiguration:
    """What this kubelet acts on, under the published names. Durations are seconds, sizes bytes."""

    # Pods
    maxPods: int = _of(integer(0), 110)
    podPidsLimit: int = _of(integer(-1), -1)
    """-1: no limit of its own"""
    allowedUnsafeSysctls: tuple[str, ...] = _of(texts, ())
    staticPodPath: str = _of(text, "")
    syncFrequency: float = _of(duration, 60.0)
    crashLoopBackOffMaxContainerRestartPeriod: float = _of(duration, 300.0)
    shutdownGracePeriod: float = _of(duration, 0.0)
    shutdownGracePeriodCriticalPods: float = _of(duration, 0.0)
    shutdownGracePeriodByPodPriority: tuple[PriorityGrace, ...] = _of(priority_graces, ())
    # names
    clusterDNS: tuple[str, ...] = _of(addresses, ())
    clusterDomain: str = _of(text, "cluster.local")
    resolvConf: str = _of(text, "/etc/resolv.conf")
    # images
    serializeImagePulls: bool = _of(boolean, True)
    maxParallelImagePulls: int | None = _of(integer(), None)
    registryPullQPS: int = _of(integer(0), 5)
    registryBurst: int = _of(integer(0), 10)
    imagePullCredentialsVerificationPolicy: str = _of(
        one_of("NeverVerify", "NeverVerifyPreloadedImages", "NeverVerifyAllowlistedImages", "AlwaysVerify"),
        "NeverVerifyPreloadedImages",
    )
    preloadedImagesVerificationAllowlist: tuple[str, ...] = _of(texts, ())
    imageMinimumGCAge: float = _of(duration, 120.0)
    imageMaximumGCAge: float = _of(duration, 0.0)
    imageGCHighThresholdPercent: int = _of(integer(), 85)
    imageGCLowThresholdPercent: int = _of(integer(), 80)
    nodeStatusMaxImages: int = _of(integer(), 50)
    # logs
    containerLogMaxSize: int = _of(quantity_bytes, 10 << 20)
    containerLogMaxFiles: int = _of(integer(), 5)
    containerLogMonitorInterval: float = _of(duration, 10.0)
    # the node
    address: str = _of(text, "127.0.0.1")
    port: int = _of(integer(0, 65535), 10250)
    providerID: str = _of(text, "")
    registerNode: bool = _of(boolean, True)
    registerWithTaints: tuple[Mapping[str, Any], ...] = _of(objects, ())
    nodeStatusUpdateFrequency: float = _of(duration, 10.0)
    nodeLeaseDurationSeconds: int = _of(integer(), 40)
    cgroupsPerQOS: bool = _of(boolean, True)
    enforceNodeAllocatable: tuple[str, ...] = _of(texts, ("pods",))
    systemReserved: Mapping[str, str] = _of(map_of(quantity), factory=dict)
    kubeReserved: Mapping[str, str] = _of(map_of(quantity), factory=dict)
    mergeDefaultEvictionSettings: bool = _of(boolean, False)
    evictionHard: Mapping[str, Threshold] = _of(
        map_of(threshold, EVICTION_SIGNALS), factory=lambda: dict(DEFAULT_EVICTION)
    )
    evictionSoft: Mapping[str, Threshold] = _of(map_of(threshold, EVICTION_SIGNALS), factory=dict)
    evictionSoftGracePeriod: Mapping[str, float] = _of(map_of(duration, EVICTION_SIGNALS), factory=dict)
    evictionPressureTransitionPeriod: float = _of(duration, 300.0)
    evictionMaxPodGracePeriod: int = _of(integer(0), 0)
    evictionMinimumReclaim: Mapping[str, Threshold] = _of(map_of(threshold, EVICTION_SIGNALS), factory=dict)
    featureGates: Mapping[str, bool] = _of(map_of(boolean), factory=dict)

    def feature(self, name: str, default: bool) -> bool:
        """Whether a feature gate is on."""
        return self.featureGates.get(name, default)


_READERS: Mapping[str, Reader] = {f.name: f.metadata["read"] for f in fields(KubeletConfiguration)}
_NESTED = {"crashLoopBackOff": {"maxContainerRestartPeriod": "crashLoopBackOffMaxContainerRestartPeriod"}}
_OWN_NAMES = {own: f"{outer}.{inner}" for outer, names in _NESTED.items() for inner, own in names.items()}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, and what its owner should be told."""

    configuration: KubeletConfiguration
    warnings: tuple[str, ...] = ()


def load(path: Path | None, flags: Mapping[str, Any] | None = None) -> Loaded:
    """Read `path` (YAML or JSON; None: no file), then let `flags` win, which have the names of the fields.

    Reads a file: call it before the event loop runs, or in a thread. Raises ConfigurationError.
    """
    if path is None:
        return decode({"apiVersion": API_VERSION, "kind": KIND}, "flags", flags)
    import yaml

    try:
        data = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: neither YAML nor JSON: {error}") from None
    return decode(data, str(path), flags)


def decode(data: Any, source: str, flags: Mapping[str, Any] | None = None) -> Loaded:
    """A configuration from decoded JSON; `source` is named in errors. Raises ConfigurationError."""
    if not isinstance(data, dict):
        raise ConfigurationError(f"{source}: expected an object of kind {KIND}")
    if (data.get("apiVersion"), data.get("kind")) != (API_VERSION, KIND):
        said = f"{data.get('apiVersion')}, kind {data.get('kind')}"
        raise ConfigurationError(f"{source}: expected apiVersion {API_VERSION}, kind {KIND}, got {said}")
    ignored = sorted(name for name in data if name in NOT_ACTED_ON)
    values = dict(_values(data, source))
    given = set(values)
    for name, value in (flags or {}).items():
        if name not in _READERS:
            raise ConfigurationError(f"flags: unknown field {name}")
        read = _read(name, value, "flags")
        values[name] = {**values.get(name, {}), **read} if name == "featureGates" else read
        given.add(name)
    configuration = _with_dependent_defaults(KubeletConfiguration(**values), given)
    for complaint in validate(configuration):
        raise ConfigurationError(f"{source}: invalid configuration: {complaint}")
    warnings = (f"{source}: accepted but not acted on: {', '.join(ignored)}",) if ignored else ()
    return Loaded(configuration, warnings)


def _values(data: Mapping[str, Any], source: str) -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if name in ("apiVersion", "kind") or name in NOT_ACTED_ON or value is None:
            continue
        if name in _NESTED:
            if not isinstance(value, dict):
                raise ConfigurationError(f"{source}: {name}: expected an object, got {value!r}")
            for inner, item in value.items():
                if inner not in _NESTED[name]:
                    raise ConfigurationError(f"{source}: unknown field {name}.{inner}")
                yield _NESTED[name][inner], _read(_NESTED[name][inner], item, source)
        elif name in _READERS and name not in _OWN_NAMES:
            yield name, _read(name, value, source)
        else:
            raise ConfigurationError(f"{source}: unknown field {name}")


def _read(name: str, value: Any, source: str) -> Any:
    try:
        return _READERS[name](value)
    except ValueError as error:
        raise ConfigurationError(f"{source}: {_OWN_NAMES.get(name, name)}: {error}") from None


def _with_dependent_defaults(config: KubeletConfiguration, given: set[str]) -> KubeletConfiguration:
    """Defaults that depend on what else was said."""
    if "serializeImagePulls" not in given and (config.maxParallelImagePulls or 0) > 1:
        config = replace(config, serializeImagePulls=False)
    if "evictionHard" in given and config.mergeDefaultEvictionSettings:
        config = replace(config, evictionHard={**DEFAULT_EVICTION, **config.evictionHard})
    return config


def validate(config: KubeletConfiguration) -> Iterator[str]:
    """What is wrong with the values taken together; nothing: it can be used."""
    for complaint in wrong_patterns(config.allowedUnsafeSysctls):
        yield f"allowedUnsafeSysctls: {complaint}"
    parallel = config.maxParallelImagePulls
    if parallel is not None and parallel < 1:
        yield f"maxParallelImagePulls {parallel} must be a positive number"
    if parallel is not None and parallel > 1 and config.serializeImagePulls:
        yield (
            "maxParallelImagePulls cannot be larger than 1 unless SerializeImagePulls (--serialize-image-pulls) "
            "is set to false"
        )
    high, low = config.imageGCHighThresholdPercent, config.imageGCLowThresholdPercent
    if not 0 <= high <= 100:
        yield f"imageGCHighThresholdPercent (--image-gc-high-threshold) {high} must be between 0 and 100, inclusive"
    if not 0 <= low <= 100:
        yield f"imageGCLowThresholdPercent (--image-gc-low-threshold) {low} must be between 0 and 100, inclusive"
    if low >= high:
        yield (
            f"imageGCLowThresholdPercent (--image-gc-low-threshold) {low} must be less than "
            f"imageGCHighThresholdPercent (--image-gc-high-threshold) {high}"
        )
    if 0 < config.imageMaximumGCAge <= config.imageMinimumGCAge:
        yield (
            f"imageMaximumGCAge {config.imageMaximumGCAge:g}s must be greater than "
            f"imageMinimumGCAge {config.imageMinimumGCAge:g}s"
        )
    if config.nodeStatusMaxImages < -1:
        yield "nodeStatusMaxImages (--node-status-max-images) must be -1 or greater"
    if config.containerLogMaxFiles <= 1:
        yield f"containerLogMaxFiles {config.containerLogMaxFiles} must be greater than 1"
    if config.nodeLeaseDurationSeconds <= 0:
        yield "nodeLeaseDurationSeconds must be greater than 0"
    if not 1 <= config.crashLoopBackOffMaxContainerRestartPeriod <= 300:
        yield (
            f"CrashLoopBackOff.MaxContainerRestartPeriod (got: {config.crashLoopBackOffMaxContainerRestartPeriod:g}s) "
            "must be set between 1s and 300s"
        )
    if config.shutdownGracePeriodCriticalPods > config.shutdownGracePeriod:
        yield (
            f"shutdownGracePeriod {config.shutdownGracePeriod:g}s must be >= "
            f"shutdownGracePeriodCriticalPods {config.shutdownGracePeriodCriticalPods:g}s"
        )
    for name in LOCKED:
        if not config.feature(name, True):
            yield f"cannot set feature gate {name} to false, feature is locked to true"
    if config.shutdownGracePeriodByPodPriority and config.shutdownGracePeriod > 0:
        yield "Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time"
    for signal in config.evictionSoft:
        if signal not in config.evictionSoftGracePeriod:
            yield f"evictionSoftGracePeriod: grace period must be specified for the soft eviction threshold {signal}"
    listing = config.imagePullCredentialsVerificationPolicy == "NeverVerifyAllowlistedImages"
    if config.preloadedImagesVerificationAllowlist and not listing:
        yield (
            "can't set `preloadedImagesVerificationAllowlist` if `imagePullCredentialsVerificationPolicy` "
            'is not "NeverVerifyAllowlistedImages"'
        )
    for option in config.enforceNodeAllocatable:
        if option not in ("none", "pods", "system-reserved", "kube-reserved"):
            yield f'option "{option}" specified for enforceNodeAllocatable (--enforce-node-allocatable) is not known'
