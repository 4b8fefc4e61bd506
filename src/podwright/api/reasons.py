"""Waiting reasons, event reasons and phases, spelled as Kubernetes spells them, defined once.

Tools match on these words. Source: pkg/kubelet/events/event.go, pkg/kubelet/images/types.go and
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

import enum


class Waiting(enum.StrEnum):
    """containerStatuses[].state.waiting.reason"""

    CONTAINER_CREATING = "ContainerCreating"
    POD_INITIALIZING = "PodInitializing"
    ERR_IMAGE_PULL = "ErrImagePull"
    IMAGE_PULL_BACK_OFF = "ImagePullBackOff"
    ERR_IMAGE_NEVER_PULL = "ErrImageNeverPull"
    IMAGE_INSPECT_ERROR = "ImageInspectError"
    INVALID_IMAGE_NAME = "InvalidImageName"
    REGISTRY_UNAVAILABLE = "RegistryUnavailable"
    SIGNATURE_VALIDATION_FAILED = "SignatureValidationFailed"
    CREATE_CONTAINER_CONFIG_ERROR = "CreateContainerConfigError"
    CREATE_CONTAINER_ERROR = "CreateContainerError"
    RUN_CONTAINER_ERROR = "RunContainerError"
    POST_START_HOOK_ERROR = "PostStartHookError"
    CRASH_LOOP_BACK_OFF = "CrashLoopBackOff"


class Terminated(enum.StrEnum):
    """containerStatuses[].state.terminated.reason"""

    COMPLETED = "Completed"
    ERROR = "Error"
    OOM_KILLED = "OOMKilled"
    CONTAINER_STATUS_UNKNOWN = "ContainerStatusUnknown"


class EventReason(enum.StrEnum):
    """Reasons of the events that the kubelet and the scheduler write."""

    # images
    PULLING = "Pulling"
    PULLED = "Pulled"
    FAILED = "Failed"
    BACK_OFF = "BackOff"
    INSPECT_FAILED = "InspectFailed"
    ERR_IMAGE_NEVER_PULL = "ErrImageNeverPull"
    FAILED_TO_RETRIEVE_IMAGE_PULL_SECRET = "FailedToRetrieveImagePullSecret"
    FAILED_CREDENTIAL_PROVIDER = "FailedCredentialProvider"
    IMAGE_GC_FAILED = "ImageGCFailed"
    FREE_DISK_SPACE_FAILED = "FreeDiskSpaceFailed"
    INVALID_DISK_CAPACITY = "InvalidDiskCapacity"
    IMAGE_KEPT = "ImageKept"
    # containers
    CREATED = "Created"
    STARTED = "Started"
    KILLING = "Killing"
    RESIZE_STARTED = "ResizeStarted"
    RESIZE_COMPLETED = "ResizeCompleted"
    RESIZE_DEFERRED = "ResizeDeferred"
    RESIZE_INFEASIBLE = "ResizeInfeasible"
    RESIZE_ERROR = "ResizeError"
    FAILED_POST_START_HOOK = "FailedPostStartHook"
    FAILED_PRE_STOP_HOOK = "FailedPreStopHook"
    LIFECYCLE_HTTP_FALLBACK = "LifecycleHTTPFallback"
    UNHEALTHY = "Unhealthy"
    PROBE_WARNING = "ProbeWarning"
    EXCEEDED_GRACE_PERIOD = "ExceededGracePeriod"
    # pods
    FAILED_CREATE_POD_SANDBOX = "FailedCreatePodSandBox"
    FAILED_POD_SANDBOX_STATUS = "FailedPodSandBoxStatus"
    SANDBOX_CHANGED = "SandboxChanged"
    FAILED_KILL_POD = "FailedKillPod"
    FAILED_SYNC = "FailedSync"
    FAILED_VALIDATION = "FailedValidation"
    FAILED_MOUNT = "FailedMount"
    FAILED_CREATE_POD_CONTAINER = "FailedCreatePodContainer"
    NETWORK_NOT_READY = "NetworkNotReady"
    HOST_PORT_CONFLICT = "HostPortConflict"
    DNS_CONFIG_FORMING = "DNSConfigForming"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    EVICTED = "Evicted"
    EVICTION_THRESHOLD_MET = "EvictionThresholdMet"
    PREEMPTING = "Preempting"
    PREEMPTED = "Preempted"
    UNSUPPORTED_MOUNT_OPTION = "UnsupportedMountOption"
    # node
    STARTING = "Starting"
    NODE_READY = "NodeReady"
    NODE_NOT_READY = "NodeNotReady"
    NODE_ALLOCATABLE_ENFORCED = "NodeAllocatableEnforced"
    # scheduler
    SCHEDULED = "Scheduled"
    FAILED_SCHEDULING = "FailedScheduling"


class Phase(enum.StrEnum):
    """status.phase of a Pod."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"
