"""Field numbers of core/v1 and meta/v1, in the notation of this package. Long because it is data."""

from __future__ import annotations

from collections.abc import Mapping

CORE: Mapping[str, str] = {
    "core.AWSElasticBlockStoreVolumeSource": "volumeID fsType partition:i readOnly:b",
    "core.Affinity": (
        "nodeAffinity:?core.NodeAffinity podAffinity:?core.PodAffinity podAntiAffinity:?core.PodAntiAffinity"
    ),
    "core.AppArmorProfile": "type localhostProfile:?s",
    "core.AttachedVolume": "name devicePath",
    "core.AzureDiskVolumeSource": "diskName diskURI cachingMode:?s fsType:?s readOnly:?b kind:?s",
    "core.AzureFilePersistentVolumeSource": "secretName shareName readOnly:b secretNamespace:?s",
    "core.AzureFileVolumeSource": "secretName shareName readOnly:b",
    "core.Binding": "metadata:meta.ObjectMeta target:core.ObjectReference",
    "core.CSIPersistentVolumeSource": (
        "driver volumeHandle readOnly:b fsType volumeAttributes:%s controllerPublishSecretRef:?core.SecretReference "
        "nodeStageSecretRef:?core.SecretReference nodePublishSecretRef:?core.SecretReference "
        "controllerExpandSecretRef:?core.SecretReference nodeExpandSecretRef:?core.SecretReference"
    ),
    "core.CSIVolumeSource": (
        "driver readOnly:?b fsType:?s volumeAttributes:%s nodePublishSecretRef:?core.LocalObjectReference"
    ),
    "core.Capabilities": "add:*s drop:*s",
    "core.CephFSPersistentVolumeSource": "monitors:*s path user secretFile secretRef:?core.SecretReference readOnly:b",
    "core.CephFSVolumeSource": "monitors:*s path user secretFile secretRef:?core.LocalObjectReference readOnly:b",
    "core.CinderPersistentVolumeSource": "volumeID fsType readOnly:b secretRef:?core.SecretReference",
    "core.CinderVolumeSource": "volumeID fsType readOnly:b secretRef:?core.LocalObjectReference",
    "core.ClientIPConfig": "timeoutSeconds:?i",
    "core.ClusterTrustBundleProjection": "name:?s signerName:?s labelSelector:?meta.LabelSelector path optional:?b",
    "core.ConfigMap": "metadata:meta.ObjectMeta data:%s binaryData:%y immutable:?b",
    "core.ConfigMapEnvSource": "~:core.LocalObjectReference optional:?b",
    "core.ConfigMapKeySelector": "~:core.LocalObjectReference key optional:?b",
    "core.ConfigMapNodeConfigSource": "namespace name uid resourceVersion kubeletConfigKey",
    "core.ConfigMapProjection": "~:core.LocalObjectReference items:*core.KeyToPath 4=optional:?b",
    "core.ConfigMapVolumeSource": "~:core.LocalObjectReference items:*core.KeyToPath defaultMode:?i optional:?b",
    "core.Container": (
        "name image command:*s args:*s workingDir ports:*core.ContainerPort env:*core.EnvVar "
        "resources:core.ResourceRequirements volumeMounts:*core.VolumeMount livenessProbe:?core.Probe "
        "readinessProbe:?core.Probe lifecycle:?core.Lifecycle terminationMessagePath imagePullPolicy "
        "securityContext:?core.SecurityContext stdin:b stdinOnce:b tty:b envFrom:*core.EnvFromSource "
        "terminationMessagePolicy volumeDevices:*core.VolumeDevice startupProbe:?core.Probe "
        "resizePolicy:*core.ContainerResizePolicy restartPolicy:?s restartPolicyRules:*core.ContainerRestartRule"
    ),
    "core.ContainerExtendedResourceRequest": "containerName resourceName requestName",
    "core.ContainerImage": "names:*s sizeBytes:i",
    "core.ContainerPort": "name hostPort:i containerPort:i protocol hostIP",
    "core.ContainerResizePolicy": "resourceName restartPolicy",
    "core.ContainerRestartRule": "action exitCodes:?core.ContainerRestartRuleOnExitCodes",
    "core.ContainerRestartRuleOnExitCodes": "operator values:*i",
    "core.ContainerState": (
        "waiting:?core.ContainerStateWaiting running:?core.ContainerStateRunning "
        "terminated:?core.ContainerStateTerminated"
    ),
    "core.ContainerStateRunning": "startedAt:T",
    "core.ContainerStateTerminated": "exitCode:i signal:i reason message startedAt:T finishedAt:T containerID",
    "core.ContainerStateWaiting": "reason message",
    "core.ContainerStatus": (
        "name state:core.ContainerState lastState:core.ContainerState ready:b restartCount:i image imageID "
        "containerID started:?b allocatedResources:%Q resources:?core.ResourceRequirements "
        "volumeMounts:*core.VolumeMountStatus user:?core.ContainerUser allocatedResourcesStatus:*core.ResourceStatus "
        "stopSignal:?s"
    ),
    "core.ContainerUser": "linux:?core.LinuxContainerUser",
    "core.DaemonEndpoint": "Port:i",
    "core.DownwardAPIProjection": "items:*core.DownwardAPIVolumeFile",
    "core.DownwardAPIVolumeFile": (
        "path fieldRef:?core.ObjectFieldSelector resourceFieldRef:?core.ResourceFieldSelector mode:?i"
    ),
    "core.DownwardAPIVolumeSource": "items:*core.DownwardAPIVolumeFile defaultMode:?i",
    "core.EmptyDirVolumeSource": "medium sizeLimit:?Q",
    "core.EndpointAddress": "ip targetRef:?core.ObjectReference hostname nodeName:?s",
    "core.EndpointPort": "name port:i protocol appProtocol:?s",
    "core.EndpointSubset": (
        "addresses:*core.EndpointAddress notReadyAddresses:*core.EndpointAddress ports:*core.EndpointPort"
    ),
    "core.Endpoints": "metadata:meta.ObjectMeta subsets:*core.EndpointSubset",
    "core.EnvFromSource": "prefix configMapRef:?core.ConfigMapEnvSource secretRef:?core.SecretEnvSource",
    "core.EnvVar": "name value valueFrom:?core.EnvVarSource",
    "core.EnvVarSource": (
        "fieldRef:?core.ObjectFieldSelector resourceFieldRef:?core.ResourceFieldSelector "
        "configMapKeyRef:?core.ConfigMapKeySelector secretKeyRef:?core.SecretKeySelector "
        "fileKeyRef:?core.FileKeySelector"
    ),
    "core.EphemeralContainer": "~:core.EphemeralContainerCommon targetContainerName",
    "core.EphemeralContainerCommon": (
        "name image command:*s args:*s workingDir ports:*core.ContainerPort env:*core.EnvVar "
        "resources:core.ResourceRequirements volumeMounts:*core.VolumeMount livenessProbe:?core.Probe "
        "readinessProbe:?core.Probe lifecycle:?core.Lifecycle terminationMessagePath imagePullPolicy "
        "securityContext:?core.SecurityContext stdin:b stdinOnce:b tty:b envFrom:*core.EnvFromSource "
        "terminationMessagePolicy volumeDevices:*core.VolumeDevice startupProbe:?core.Probe "
        "resizePolicy:*core.ContainerResizePolicy restartPolicy:?s restartPolicyRules:*core.ContainerRestartRule"
    ),
    "core.EphemeralVolumeSource": "volumeClaimTemplate:?core.PersistentVolumeClaimTemplate",
    "core.Event": (
        "metadata:meta.ObjectMeta involvedObject:core.ObjectReference reason message source:core.EventSource "
        "firstTimestamp:T lastTimestamp:T count:i type eventTime:M series:?core.EventSeries action "
        "related:?core.ObjectReference reportingComponent reportingInstance"
    ),
    "core.EventSeries": "count:i lastObservedTime:M",
    "core.EventSource": "component host",
    "core.ExecAction": "command:*s",
    "core.FCVolumeSource": "targetWWNs:*s lun:?i fsType readOnly:b wwids:*s",
    "core.FileKeySelector": "volumeName path key optional:?b",
    "core.FlexPersistentVolumeSource": "driver fsType secretRef:?core.SecretReference readOnly:b options:%s",
    "core.FlexVolumeSource": "driver fsType secretRef:?core.LocalObjectReference readOnly:b options:%s",
    "core.FlockerVolumeSource": "datasetName datasetUUID",
    "core.GCEPersistentDiskVolumeSource": "pdName fsType partition:i readOnly:b",
    "core.GRPCAction": "port:i service:?s",
    "core.GitRepoVolumeSource": "repository revision directory",
    "core.GlusterfsPersistentVolumeSource": "endpoints path readOnly:b endpointsNamespace:?s",
    "core.GlusterfsVolumeSource": "endpoints path readOnly:b",
    "core.HTTPGetAction": "path port:I host scheme httpHeaders:*core.HTTPHeader",
    "core.HTTPHeader": "name value",
    "core.HostAlias": "ip hostnames:*s",
    "core.HostIP": "ip",
    "core.HostPathVolumeSource": "path type:?s",
    "core.ISCSIPersistentVolumeSource": (
        "targetPortal iqn lun:i iscsiInterface fsType readOnly:b portals:*s chapAuthDiscovery:b "
        "10=secretRef:?core.SecretReference chapAuthSession:b initiatorName:?s"
    ),
    "core.ISCSIVolumeSource": (
        "targetPortal iqn lun:i iscsiInterface fsType readOnly:b portals:*s chapAuthDiscovery:b "
        "10=secretRef:?core.LocalObjectReference chapAuthSession:b initiatorName:?s"
    ),
    "core.ImageVolumeSource": "reference pullPolicy",
    "core.ImageVolumeStatus": "imageRef",
    "core.KeyToPath": "key path mode:?i",
    "core.Lifecycle": "postStart:?core.LifecycleHandler preStop:?core.LifecycleHandler stopSignal:?s",
    "core.LifecycleHandler": (
        "exec:?core.ExecAction httpGet:?core.HTTPGetAction tcpSocket:?core.TCPSocketAction sleep:?core.SleepAction"
    ),
    "core.LimitRange": "metadata:meta.ObjectMeta spec:core.LimitRangeSpec",
    "core.LimitRangeItem": "type max:%Q min:%Q default:%Q defaultRequest:%Q maxLimitRequestRatio:%Q",
    "core.LimitRangeSpec": "limits:*core.LimitRangeItem",
    "core.LinuxContainerUser": "uid:i gid:i supplementalGroups:*i",
    "core.LoadBalancerIngress": "ip hostname ipMode:?s ports:*core.PortStatus",
    "core.LoadBalancerStatus": "ingress:*core.LoadBalancerIngress",
    "core.LocalObjectReference": "name",
    "core.LocalVolumeSource": "path fsType:?s",
    "core.ModifyVolumeStatus": "targetVolumeAttributesClassName status",
    "core.NFSVolumeSource": "server path readOnly:b",
    "core.Namespace": "metadata:meta.ObjectMeta spec:core.NamespaceSpec status:core.NamespaceStatus",
    "core.NamespaceCondition": "type status 4=lastTransitionTime:T reason message",
    "core.NamespaceSpec": "finalizers:*s",
    "core.NamespaceStatus": "phase conditions:*core.NamespaceCondition",
    "core.Node": "metadata:meta.ObjectMeta spec:core.NodeSpec status:core.NodeStatus",
    "core.NodeAddress": "type address",
    "core.NodeAffinity": (
        "requiredDuringSchedulingIgnoredDuringExecution:?core.NodeSelector "
        "preferredDuringSchedulingIgnoredDuringExecution:*core.PreferredSchedulingTerm"
    ),
    "core.NodeAllocatableResourceClaimStatus": "resourceClaimName containers:*s resources:%Q",
    "core.NodeCondition": "type status lastHeartbeatTime:T lastTransitionTime:T reason message",
    "core.NodeConfigSource": "2=configMap:?core.ConfigMapNodeConfigSource",
    "core.NodeConfigStatus": (
        "assigned:?core.NodeConfigSource active:?core.NodeConfigSource lastKnownGood:?core.NodeConfigSource error"
    ),
    "core.NodeDaemonEndpoints": "kubeletEndpoint:core.DaemonEndpoint",
    "core.NodeFeatures": "supplementalGroupsPolicy:?b",
    "core.NodeRuntimeHandler": "name features:?core.NodeRuntimeHandlerFeatures",
    "core.NodeRuntimeHandlerFeatures": "recursiveReadOnlyMounts:?b userNamespaces:?b",
    "core.NodeSelector": "nodeSelectorTerms:*core.NodeSelectorTerm",
    "core.NodeSelectorRequirement": "key operator values:*s",
    "core.NodeSelectorTerm": (
        "matchExpressions:*core.NodeSelectorRequirement matchFields:*core.NodeSelectorRequirement"
    ),
    "core.NodeSpec": (
        "podCIDR externalID providerID unschedulable:b taints:*core.Taint configSource:?core.NodeConfigSource "
        "podCIDRs:*s"
    ),
    "core.NodeStatus": (
        "capacity:%Q allocatable:%Q phase conditions:*core.NodeCondition addresses:*core.NodeAddress "
        "daemonEndpoints:core.NodeDaemonEndpoints nodeInfo:core.NodeSystemInfo images:*core.ContainerImage "
        "volumesInUse:*s volumesAttached:*core.AttachedVolume config:?core.NodeConfigStatus "
        "runtimeHandlers:*core.NodeRuntimeHandler features:?core.NodeFeatures declaredFeatures:*s"
    ),
    "core.NodeSwapStatus": "capacity:?i",
    "core.NodeSystemInfo": (
        "machineID systemUUID bootID kernelVersion osImage containerRuntimeVersion kubeletVersion kubeProxyVersion "
        "operatingSystem architecture swap:?core.NodeSwapStatus"
    ),
    "core.ObjectFieldSelector": "apiVersion fieldPath",
    "core.ObjectReference": "kind namespace name uid apiVersion resourceVersion fieldPath",
    "core.PersistentVolume": (
        "metadata:meta.ObjectMeta spec:core.PersistentVolumeSpec status:core.PersistentVolumeStatus"
    ),
    "core.PersistentVolumeClaim": (
        "metadata:meta.ObjectMeta spec:core.PersistentVolumeClaimSpec status:core.PersistentVolumeClaimStatus"
    ),
    "core.PersistentVolumeClaimCondition": "type status lastProbeTime:T lastTransitionTime:T reason message",
    "core.PersistentVolumeClaimSpec": (
        "accessModes:*s resources:core.VolumeResourceRequirements volumeName selector:?meta.LabelSelector "
        "storageClassName:?s volumeMode:?s dataSource:?core.TypedLocalObjectReference "
        "dataSourceRef:?core.TypedObjectReference volumeAttributesClassName:?s"
    ),
    "core.PersistentVolumeClaimStatus": (
        "phase accessModes:*s capacity:%Q conditions:*core.PersistentVolumeClaimCondition allocatedResources:%Q "
        "7=allocatedResourceStatuses:%s currentVolumeAttributesClassName:?s "
        "modifyVolumeStatus:?core.ModifyVolumeStatus"
    ),
    "core.PersistentVolumeClaimTemplate": "metadata:meta.ObjectMeta spec:core.PersistentVolumeClaimSpec",
    "core.PersistentVolumeClaimVolumeSource": "claimName readOnly:b",
    "core.PersistentVolumeSource": (
        "gcePersistentDisk:?core.GCEPersistentDiskVolumeSource "
        "awsElasticBlockStore:?core.AWSElasticBlockStoreVolumeSource hostPath:?core.HostPathVolumeSource "
        "glusterfs:?core.GlusterfsPersistentVolumeSource nfs:?core.NFSVolumeSource "
        "rbd:?core.RBDPersistentVolumeSource iscsi:?core.ISCSIPersistentVolumeSource "
        "cinder:?core.CinderPersistentVolumeSource cephfs:?core.CephFSPersistentVolumeSource fc:?core.FCVolumeSource "
        "flocker:?core.FlockerVolumeSource flexVolume:?core.FlexPersistentVolumeSource "
        "azureFile:?core.AzureFilePersistentVolumeSource vsphereVolume:?core.VsphereVirtualDiskVolumeSource "
        "quobyte:?core.QuobyteVolumeSource azureDisk:?core.AzureDiskVolumeSource "
        "photonPersistentDisk:?core.PhotonPersistentDiskVolumeSource portworxVolume:?core.PortworxVolumeSource "
        "scaleIO:?core.ScaleIOPersistentVolumeSource local:?core.LocalVolumeSource "
        "storageos:?core.StorageOSPersistentVolumeSource csi:?core.CSIPersistentVolumeSource"
    ),
    "core.PersistentVolumeSpec": (
        "capacity:%Q ~:core.PersistentVolumeSource accessModes:*s claimRef:?core.ObjectReference "
        "persistentVolumeReclaimPolicy storageClassName mountOptions:*s volumeMode:?s "
        "nodeAffinity:?core.VolumeNodeAffinity volumeAttributesClassName:?s"
    ),
    "core.PersistentVolumeStatus": "phase message reason lastPhaseTransitionTime:?T",
    "core.PhotonPersistentDiskVolumeSource": "pdID fsType",
    "core.Pod": "metadata:meta.ObjectMeta spec:core.PodSpec status:core.PodStatus",
    "core.PodAffinity": (
        "requiredDuringSchedulingIgnoredDuringExecution:*core.PodAffinityTerm "
        "preferredDuringSchedulingIgnoredDuringExecution:*core.WeightedPodAffinityTerm"
    ),
    "core.PodAffinityTerm": (
        "labelSelector:?meta.LabelSelector namespaces:*s topologyKey namespaceSelector:?meta.LabelSelector "
        "matchLabelKeys:*s mismatchLabelKeys:*s"
    ),
    "core.PodAntiAffinity": (
        "requiredDuringSchedulingIgnoredDuringExecution:*core.PodAffinityTerm "
        "preferredDuringSchedulingIgnoredDuringExecution:*core.WeightedPodAffinityTerm"
    ),
    "core.PodCertificateProjection": (
        "signerName keyType maxExpirationSeconds:?i credentialBundlePath keyPath certificateChainPath "
        "userAnnotations:%s"
    ),
    "core.PodCondition": "type status lastProbeTime:T lastTransitionTime:T reason message observedGeneration:i",
    "core.PodDNSConfig": "nameservers:*s searches:*s options:*core.PodDNSConfigOption",
    "core.PodDNSConfigOption": "name value:?s",
    "core.PodExtendedResourceClaimStatus": "requestMappings:*core.ContainerExtendedResourceRequest resourceClaimName",
    "core.PodIP": "ip",
    "core.PodOS": "name",
    "core.PodReadinessGate": "conditionType",
    "core.PodResourceClaim": "name 3=resourceClaimName:?s resourceClaimTemplateName:?s",
    "core.PodResourceClaimStatus": "name resourceClaimName:?s",
    "core.PodSchedulingGate": "name",
    "core.PodSchedulingGroup": "podGroupName:?s",
    "core.PodSecurityContext": (
        "seLinuxOptions:?core.SELinuxOptions runAsUser:?i runAsNonRoot:?b supplementalGroups:*i fsGroup:?i "
        "runAsGroup:?i sysctls:*core.Sysctl windowsOptions:?core.WindowsSecurityContextOptions fsGroupChangePolicy:?s "
        "seccompProfile:?core.SeccompProfile appArmorProfile:?core.AppArmorProfile supplementalGroupsPolicy:?s "
        "seLinuxChangePolicy:?s"
    ),
    "core.PodSpec": (
        "volumes:*core.Volume containers:*core.Container restartPolicy terminationGracePeriodSeconds:?i "
        "activeDeadlineSeconds:?i dnsPolicy nodeSelector:%s serviceAccountName serviceAccount nodeName hostNetwork:b "
        "hostPID:b hostIPC:b securityContext:?core.PodSecurityContext imagePullSecrets:*core.LocalObjectReference "
        "hostname subdomain affinity:?core.Affinity schedulerName initContainers:*core.Container "
        "automountServiceAccountToken:?b tolerations:*core.Toleration hostAliases:*core.HostAlias priorityClassName "
        "priority:?i dnsConfig:?core.PodDNSConfig shareProcessNamespace:?b readinessGates:*core.PodReadinessGate "
        "runtimeClassName:?s enableServiceLinks:?b preemptionPolicy:?s overhead:%Q "
        "topologySpreadConstraints:*core.TopologySpreadConstraint ephemeralContainers:*core.EphemeralContainer "
        "setHostnameAsFQDN:?b os:?core.PodOS hostUsers:?b schedulingGates:*core.PodSchedulingGate "
        "resourceClaims:*core.PodResourceClaim resources:?core.ResourceRequirements hostnameOverride:?s "
        "43=schedulingGroup:?core.PodSchedulingGroup"
    ),
    "core.PodStatus": (
        "phase conditions:*core.PodCondition message reason hostIP podIP startTime:?T "
        "containerStatuses:*core.ContainerStatus qosClass initContainerStatuses:*core.ContainerStatus "
        "nominatedNodeName podIPs:*core.PodIP ephemeralContainerStatuses:*core.ContainerStatus resize "
        "resourceClaimStatuses:*core.PodResourceClaimStatus hostIPs:*core.HostIP observedGeneration:i "
        "extendedResourceClaimStatus:?core.PodExtendedResourceClaimStatus allocatedResources:%Q "
        "resources:?core.ResourceRequirements "
        "nodeAllocatableResourceClaimStatuses:*core.NodeAllocatableResourceClaimStatus"
    ),
    "core.PodTemplate": "metadata:meta.ObjectMeta template:core.PodTemplateSpec",
    "core.PodTemplateSpec": "metadata:meta.ObjectMeta spec:core.PodSpec",
    "core.PortStatus": "port:i protocol error:?s",
    "core.PortworxVolumeSource": "volumeID fsType readOnly:b",
    "core.PreferredSchedulingTerm": "weight:i preference:core.NodeSelectorTerm",
    "core.Probe": (
        "~:core.ProbeHandler initialDelaySeconds:i timeoutSeconds:i periodSeconds:i successThreshold:i "
        "failureThreshold:i terminationGracePeriodSeconds:?i"
    ),
    "core.ProbeHandler": (
        "exec:?core.ExecAction httpGet:?core.HTTPGetAction tcpSocket:?core.TCPSocketAction grpc:?core.GRPCAction"
    ),
    "core.ProjectedVolumeSource": "sources:*core.VolumeProjection defaultMode:?i",
    "core.QuobyteVolumeSource": "registry volume readOnly:b user group tenant",
    "core.RBDPersistentVolumeSource": (
        "monitors:*s image fsType pool user keyring secretRef:?core.SecretReference readOnly:b"
    ),
    "core.RBDVolumeSource": (
        "monitors:*s image fsType pool user keyring secretRef:?core.LocalObjectReference readOnly:b"
    ),
    "core.ReplicationController": (
        "metadata:meta.ObjectMeta spec:core.ReplicationControllerSpec status:core.ReplicationControllerStatus"
    ),
    "core.ReplicationControllerCondition": "type status lastTransitionTime:T reason message",
    "core.ReplicationControllerSpec": "replicas:?i selector:%s template:?core.PodTemplateSpec minReadySeconds:i",
    "core.ReplicationControllerStatus": (
        "replicas:i fullyLabeledReplicas:i observedGeneration:i readyReplicas:i availableReplicas:i "
        "conditions:*core.ReplicationControllerCondition"
    ),
    "core.ResourceClaim": "name request",
    "core.ResourceFieldSelector": "containerName resource divisor:Q",
    "core.ResourceHealth": "resourceID health 6=message:?s",
    "core.ResourceQuota": "metadata:meta.ObjectMeta spec:core.ResourceQuotaSpec status:core.ResourceQuotaStatus",
    "core.ResourceQuotaSpec": "hard:%Q scopes:*s scopeSelector:?core.ScopeSelector",
    "core.ResourceQuotaStatus": "hard:%Q used:%Q",
    "core.ResourceRequirements": "limits:%Q requests:%Q claims:*core.ResourceClaim",
    "core.ResourceStatus": "name resources:*core.ResourceHealth",
    "core.SELinuxOptions": "user role type level",
    "core.ScaleIOPersistentVolumeSource": (
        "gateway system secretRef:?core.SecretReference sslEnabled:b protectionDomain storagePool storageMode "
        "volumeName fsType readOnly:b"
    ),
    "core.ScaleIOVolumeSource": (
        "gateway system secretRef:?core.LocalObjectReference sslEnabled:b protectionDomain storagePool storageMode "
        "volumeName fsType readOnly:b"
    ),
    "core.ScopeSelector": "matchExpressions:*core.ScopedResourceSelectorRequirement",
    "core.ScopedResourceSelectorRequirement": "scopeName operator values:*s",
    "core.SeccompProfile": "type localhostProfile:?s",
    "core.Secret": "metadata:meta.ObjectMeta data:%y type stringData:%s immutable:?b",
    "core.SecretEnvSource": "~:core.LocalObjectReference optional:?b",
    "core.SecretKeySelector": "~:core.LocalObjectReference key optional:?b",
    "core.SecretProjection": "~:core.LocalObjectReference items:*core.KeyToPath 4=optional:?b",
    "core.SecretReference": "name namespace",
    "core.SecretVolumeSource": "secretName items:*core.KeyToPath defaultMode:?i optional:?b",
    "core.SecurityContext": (
        "capabilities:?core.Capabilities privileged:?b seLinuxOptions:?core.SELinuxOptions runAsUser:?i "
        "runAsNonRoot:?b readOnlyRootFilesystem:?b allowPrivilegeEscalation:?b runAsGroup:?i procMount:?s "
        "windowsOptions:?core.WindowsSecurityContextOptions seccompProfile:?core.SeccompProfile "
        "appArmorProfile:?core.AppArmorProfile"
    ),
    "core.Service": "metadata:meta.ObjectMeta spec:core.ServiceSpec status:core.ServiceStatus",
    "core.ServiceAccount": (
        "metadata:meta.ObjectMeta secrets:*core.ObjectReference imagePullSecrets:*core.LocalObjectReference "
        "automountServiceAccountToken:?b"
    ),
    "core.ServiceAccountTokenProjection": "audience expirationSeconds:?i path",
    "core.ServicePort": "name protocol port:i targetPort:I nodePort:i appProtocol:?s",
    "core.ServiceSpec": (
        "ports:*core.ServicePort selector:%s clusterIP type externalIPs:*s 7=sessionAffinity loadBalancerIP "
        "loadBalancerSourceRanges:*s externalName externalTrafficPolicy healthCheckNodePort:i "
        "publishNotReadyAddresses:b sessionAffinityConfig:?core.SessionAffinityConfig 17=ipFamilyPolicy:?s "
        "clusterIPs:*s ipFamilies:*s allocateLoadBalancerNodePorts:?b loadBalancerClass:?s internalTrafficPolicy:?s "
        "trafficDistribution:?s"
    ),
    "core.ServiceStatus": "loadBalancer:core.LoadBalancerStatus conditions:*meta.Condition",
    "core.SessionAffinityConfig": "clientIP:?core.ClientIPConfig",
    "core.SleepAction": "seconds:i",
    "core.StorageOSPersistentVolumeSource": (
        "volumeName volumeNamespace fsType readOnly:b secretRef:?core.ObjectReference"
    ),
    "core.StorageOSVolumeSource": "volumeName volumeNamespace fsType readOnly:b secretRef:?core.LocalObjectReference",
    "core.Sysctl": "name value",
    "core.TCPSocketAction": "port:I host",
    "core.Taint": "key value effect timeAdded:?T",
    "core.Toleration": "key operator value effect tolerationSeconds:?i",
    "core.TopologySelectorLabelRequirement": "key values:*s",
    "core.TopologySelectorTerm": "matchLabelExpressions:*core.TopologySelectorLabelRequirement",
    "core.TopologySpreadConstraint": (
        "maxSkew:i topologyKey whenUnsatisfiable labelSelector:?meta.LabelSelector minDomains:?i "
        "nodeAffinityPolicy:?s nodeTaintsPolicy:?s matchLabelKeys:*s"
    ),
    "core.TypedLocalObjectReference": "apiGroup:?s kind name",
    "core.TypedObjectReference": "apiGroup:?s kind name namespace:?s",
    "core.Volume": "name ~:core.VolumeSource",
    "core.VolumeDevice": "name devicePath",
    "core.VolumeMount": "name readOnly:b mountPath subPath mountPropagation:?s subPathExpr recursiveReadOnly:?s",
    "core.VolumeMountStatus": "name mountPath readOnly:b recursiveReadOnly:?s volumeStatus:?core.VolumeStatus",
    "core.VolumeNodeAffinity": "required:?core.NodeSelector",
    "core.VolumeProjection": (
        "secret:?core.SecretProjection downwardAPI:?core.DownwardAPIProjection configMap:?core.ConfigMapProjection "
        "serviceAccountToken:?core.ServiceAccountTokenProjection "
        "clusterTrustBundle:?core.ClusterTrustBundleProjection podCertificate:?core.PodCertificateProjection"
    ),
    "core.VolumeResourceRequirements": "limits:%Q requests:%Q",
    "core.VolumeSource": (
        "hostPath:?core.HostPathVolumeSource emptyDir:?core.EmptyDirVolumeSource "
        "gcePersistentDisk:?core.GCEPersistentDiskVolumeSource "
        "awsElasticBlockStore:?core.AWSElasticBlockStoreVolumeSource gitRepo:?core.GitRepoVolumeSource "
        "secret:?core.SecretVolumeSource nfs:?core.NFSVolumeSource iscsi:?core.ISCSIVolumeSource "
        "glusterfs:?core.GlusterfsVolumeSource persistentVolumeClaim:?core.PersistentVolumeClaimVolumeSource "
        "rbd:?core.RBDVolumeSource flexVolume:?core.FlexVolumeSource cinder:?core.CinderVolumeSource "
        "cephfs:?core.CephFSVolumeSource flocker:?core.FlockerVolumeSource downwardAPI:?core.DownwardAPIVolumeSource "
        "fc:?core.FCVolumeSource azureFile:?core.AzureFileVolumeSource configMap:?core.ConfigMapVolumeSource "
        "vsphereVolume:?core.VsphereVirtualDiskVolumeSource quobyte:?core.QuobyteVolumeSource "
        "azureDisk:?core.AzureDiskVolumeSource photonPersistentDisk:?core.PhotonPersistentDiskVolumeSource "
        "portworxVolume:?core.PortworxVolumeSource scaleIO:?core.ScaleIOVolumeSource "
        "projected:?core.ProjectedVolumeSource storageos:?core.StorageOSVolumeSource csi:?core.CSIVolumeSource "
        "ephemeral:?core.EphemeralVolumeSource image:?core.ImageVolumeSource"
    ),
    "core.VolumeStatus": "image:?core.ImageVolumeStatus",
    "core.VsphereVirtualDiskVolumeSource": "volumePath fsType storagePolicyName storagePolicyID",
    "core.WeightedPodAffinityTerm": "weight:i podAffinityTerm:core.PodAffinityTerm",
    "core.WindowsSecurityContextOptions": (
        "gmsaCredentialSpecName:?s gmsaCredentialSpec:?s runAsUserName:?s hostProcess:?b"
    ),
    "meta.Condition": "type status observedGeneration:i lastTransitionTime:T reason message",
    "meta.DeleteOptions": (
        "gracePeriodSeconds:?i preconditions:?meta.Preconditions orphanDependents:?b propagationPolicy:?s dryRun:*s "
        "ignoreStoreReadErrorWithClusterBreakingPotential:?b"
    ),
    "meta.FieldSelectorRequirement": "key operator values:*s",
    "meta.LabelSelector": "matchLabels:%s matchExpressions:*meta.LabelSelectorRequirement",
    "meta.LabelSelectorRequirement": "key operator values:*s",
    "meta.ManagedFieldsEntry": "manager operation apiVersion time:?T 6=fieldsType fieldsV1:?F subresource",
    "meta.ObjectMeta": (
        "name generateName namespace selfLink uid resourceVersion generation:i creationTimestamp:T "
        "deletionTimestamp:?T deletionGracePeriodSeconds:?i labels:%s annotations:%s "
        "ownerReferences:*meta.OwnerReference finalizers:*s 17=managedFields:*meta.ManagedFieldsEntry"
    ),
    "meta.OwnerReference": "kind 3=name uid apiVersion controller:?b blockOwnerDeletion:?b",
    "meta.Preconditions": "uid:?s resourceVersion:?s",
}
