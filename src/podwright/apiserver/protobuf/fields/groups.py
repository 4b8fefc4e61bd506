"""Field numbers of the named API groups, in the notation of this package. Long because it is data."""

from __future__ import annotations

from collections.abc import Mapping

GROUPS: Mapping[str, str] = {
    "admissionregistration.MatchCondition": "name expression",
    "admissionregistration.MutatingWebhook": (
        "name clientConfig:admissionregistration.WebhookClientConfig rules:*admissionregistration.RuleWithOperations "
        "failurePolicy:?s namespaceSelector:?meta.LabelSelector sideEffects:?s timeoutSeconds:?i "
        "admissionReviewVersions:*s matchPolicy:?s reinvocationPolicy:?s objectSelector:?meta.LabelSelector "
        "matchConditions:*admissionregistration.MatchCondition"
    ),
    "admissionregistration.MutatingWebhookConfiguration": (
        "metadata:meta.ObjectMeta webhooks:*admissionregistration.MutatingWebhook"
    ),
    "admissionregistration.Rule": "apiGroups:*s apiVersions:*s resources:*s scope:?s",
    "admissionregistration.RuleWithOperations": "operations:*s ~:admissionregistration.Rule",
    "admissionregistration.ServiceReference": "namespace name path:?s port:?i",
    "admissionregistration.ValidatingWebhook": (
        "name clientConfig:admissionregistration.WebhookClientConfig rules:*admissionregistration.RuleWithOperations "
        "failurePolicy:?s namespaceSelector:?meta.LabelSelector sideEffects:?s timeoutSeconds:?i "
        "admissionReviewVersions:*s matchPolicy:?s objectSelector:?meta.LabelSelector "
        "matchConditions:*admissionregistration.MatchCondition"
    ),
    "admissionregistration.ValidatingWebhookConfiguration": (
        "metadata:meta.ObjectMeta webhooks:*admissionregistration.ValidatingWebhook"
    ),
    "admissionregistration.WebhookClientConfig": "service:?admissionregistration.ServiceReference caBundle:y url:?s",
    "apps.ControllerRevision": "metadata:meta.ObjectMeta data:R revision:i",
    "apps.DaemonSet": "metadata:meta.ObjectMeta spec:apps.DaemonSetSpec status:apps.DaemonSetStatus",
    "apps.DaemonSetCondition": "type status lastTransitionTime:T reason message",
    "apps.DaemonSetSpec": (
        "selector:?meta.LabelSelector template:core.PodTemplateSpec updateStrategy:apps.DaemonSetUpdateStrategy "
        "minReadySeconds:i 6=revisionHistoryLimit:?i"
    ),
    "apps.DaemonSetStatus": (
        "currentNumberScheduled:i numberMisscheduled:i desiredNumberScheduled:i numberReady:i observedGeneration:i "
        "updatedNumberScheduled:i numberAvailable:i numberUnavailable:i collisionCount:?i "
        "conditions:*apps.DaemonSetCondition"
    ),
    "apps.DaemonSetUpdateStrategy": "type rollingUpdate:?apps.RollingUpdateDaemonSet",
    "apps.Deployment": "metadata:meta.ObjectMeta spec:apps.DeploymentSpec status:apps.DeploymentStatus",
    "apps.DeploymentCondition": "type status 4=reason message lastUpdateTime:T lastTransitionTime:T",
    "apps.DeploymentSpec": (
        "replicas:?i selector:?meta.LabelSelector template:core.PodTemplateSpec strategy:apps.DeploymentStrategy "
        "minReadySeconds:i revisionHistoryLimit:?i paused:b 9=progressDeadlineSeconds:?i"
    ),
    "apps.DeploymentStatus": (
        "observedGeneration:i replicas:i updatedReplicas:i availableReplicas:i unavailableReplicas:i "
        "conditions:*apps.DeploymentCondition readyReplicas:i collisionCount:?i terminatingReplicas:?i"
    ),
    "apps.DeploymentStrategy": "type rollingUpdate:?apps.RollingUpdateDeployment",
    "apps.ReplicaSet": "metadata:meta.ObjectMeta spec:apps.ReplicaSetSpec status:apps.ReplicaSetStatus",
    "apps.ReplicaSetCondition": "type status lastTransitionTime:T reason message",
    "apps.ReplicaSetSpec": "replicas:?i selector:?meta.LabelSelector template:core.PodTemplateSpec minReadySeconds:i",
    "apps.ReplicaSetStatus": (
        "replicas:i fullyLabeledReplicas:i observedGeneration:i readyReplicas:i availableReplicas:i "
        "conditions:*apps.ReplicaSetCondition terminatingReplicas:?i"
    ),
    "apps.RollingUpdateDaemonSet": "maxUnavailable:?I maxSurge:?I",
    "apps.RollingUpdateDeployment": "maxUnavailable:?I maxSurge:?I",
    "apps.RollingUpdateStatefulSetStrategy": "partition:?i maxUnavailable:?I",
    "apps.StatefulSet": "metadata:meta.ObjectMeta spec:apps.StatefulSetSpec status:apps.StatefulSetStatus",
    "apps.StatefulSetCondition": "type status lastTransitionTime:T reason message",
    "apps.StatefulSetOrdinals": "start:i",
    "apps.StatefulSetPersistentVolumeClaimRetentionPolicy": "whenDeleted whenScaled",
    "apps.StatefulSetSpec": (
        "replicas:?i selector:?meta.LabelSelector template:core.PodTemplateSpec "
        "volumeClaimTemplates:*core.PersistentVolumeClaim serviceName podManagementPolicy "
        "updateStrategy:apps.StatefulSetUpdateStrategy revisionHistoryLimit:?i minReadySeconds:i "
        "persistentVolumeClaimRetentionPolicy:?apps.StatefulSetPersistentVolumeClaimRetentionPolicy "
        "ordinals:?apps.StatefulSetOrdinals"
    ),
    "apps.StatefulSetStatus": (
        "observedGeneration:i replicas:i readyReplicas:i currentReplicas:i updatedReplicas:i currentRevision "
        "updateRevision 9=collisionCount:?i conditions:*apps.StatefulSetCondition availableReplicas:i"
    ),
    "apps.StatefulSetUpdateStrategy": "type rollingUpdate:?apps.RollingUpdateStatefulSetStrategy",
    "authn.BoundObjectReference": "kind apiVersion name uid",
    "authn.SelfSubjectReview": "metadata:meta.ObjectMeta status:authn.SelfSubjectReviewStatus",
    "authn.SelfSubjectReviewStatus": "userInfo:authn.UserInfo",
    "authn.TokenRequest": "metadata:meta.ObjectMeta spec:authn.TokenRequestSpec status:authn.TokenRequestStatus",
    "authn.TokenRequestSpec": "audiences:*s 3=boundObjectRef:?authn.BoundObjectReference expirationSeconds:?i",
    "authn.TokenRequestStatus": "token expirationTimestamp:T",
    "authn.TokenReview": "metadata:meta.ObjectMeta spec:authn.TokenReviewSpec status:authn.TokenReviewStatus",
    "authn.TokenReviewSpec": "token audiences:*s",
    "authn.TokenReviewStatus": "authenticated:b user:authn.UserInfo error audiences:*s",
    "authn.UserInfo": "username uid groups:*s extra:%E",
    "authz.FieldSelectorAttributes": "rawSelector requirements:*meta.FieldSelectorRequirement",
    "authz.LabelSelectorAttributes": "rawSelector requirements:*meta.LabelSelectorRequirement",
    "authz.LocalSubjectAccessReview": (
        "metadata:meta.ObjectMeta spec:authz.SubjectAccessReviewSpec status:authz.SubjectAccessReviewStatus"
    ),
    "authz.NonResourceAttributes": "path verb",
    "authz.NonResourceRule": "verbs:*s nonResourceURLs:*s",
    "authz.ResourceAttributes": (
        "namespace verb group version resource subresource name fieldSelector:?authz.FieldSelectorAttributes "
        "labelSelector:?authz.LabelSelectorAttributes"
    ),
    "authz.ResourceRule": "verbs:*s apiGroups:*s resources:*s resourceNames:*s",
    "authz.SelfSubjectAccessReview": (
        "metadata:meta.ObjectMeta spec:authz.SelfSubjectAccessReviewSpec status:authz.SubjectAccessReviewStatus"
    ),
    "authz.SelfSubjectAccessReviewSpec": (
        "resourceAttributes:?authz.ResourceAttributes nonResourceAttributes:?authz.NonResourceAttributes"
    ),
    "authz.SelfSubjectRulesReview": (
        "metadata:meta.ObjectMeta spec:authz.SelfSubjectRulesReviewSpec status:authz.SubjectRulesReviewStatus"
    ),
    "authz.SelfSubjectRulesReviewSpec": "namespace",
    "authz.SubjectAccessReview": (
        "metadata:meta.ObjectMeta spec:authz.SubjectAccessReviewSpec status:authz.SubjectAccessReviewStatus"
    ),
    "authz.SubjectAccessReviewSpec": (
        "resourceAttributes:?authz.ResourceAttributes nonResourceAttributes:?authz.NonResourceAttributes user "
        "groups:*s extra:%E uid"
    ),
    "authz.SubjectAccessReviewStatus": "allowed:b reason evaluationError denied:b",
    "authz.SubjectRulesReviewStatus": (
        "resourceRules:*authz.ResourceRule nonResourceRules:*authz.NonResourceRule incomplete:b evaluationError"
    ),
    "autoscaling.Scale": "metadata:meta.ObjectMeta spec:autoscaling.ScaleSpec status:autoscaling.ScaleStatus",
    "autoscaling.ScaleSpec": "replicas:i",
    "autoscaling.ScaleStatus": "replicas:i selector",
    "batch.CronJob": "metadata:meta.ObjectMeta spec:batch.CronJobSpec status:batch.CronJobStatus",
    "batch.CronJobSpec": (
        "schedule startingDeadlineSeconds:?i concurrencyPolicy suspend:?b jobTemplate:batch.JobTemplateSpec "
        "successfulJobsHistoryLimit:?i failedJobsHistoryLimit:?i timeZone:?s"
    ),
    "batch.CronJobStatus": "active:*core.ObjectReference 4=lastScheduleTime:?T lastSuccessfulTime:?T",
    "batch.Job": "metadata:meta.ObjectMeta spec:batch.JobSpec status:batch.JobStatus",
    "batch.JobCondition": "type status lastProbeTime:T lastTransitionTime:T reason message",
    "batch.JobSpec": (
        "parallelism:?i completions:?i activeDeadlineSeconds:?i selector:?meta.LabelSelector manualSelector:?b "
        "template:core.PodTemplateSpec backoffLimit:?i ttlSecondsAfterFinished:?i completionMode:?s suspend:?b "
        "podFailurePolicy:?batch.PodFailurePolicy backoffLimitPerIndex:?i maxFailedIndexes:?i podReplacementPolicy:?s "
        "managedBy:?s successPolicy:?batch.SuccessPolicy"
    ),
    "batch.JobStatus": (
        "conditions:*batch.JobCondition startTime:?T completionTime:?T active:i succeeded:i failed:i completedIndexes "
        "uncountedTerminatedPods:?batch.UncountedTerminatedPods ready:?i failedIndexes:?s terminating:?i"
    ),
    "batch.JobTemplateSpec": "metadata:meta.ObjectMeta spec:batch.JobSpec",
    "batch.PodFailurePolicy": "rules:*batch.PodFailurePolicyRule",
    "batch.PodFailurePolicyOnExitCodesRequirement": "containerName:?s operator values:*i",
    "batch.PodFailurePolicyOnPodConditionsPattern": "type status",
    "batch.PodFailurePolicyRule": (
        "action onExitCodes:?batch.PodFailurePolicyOnExitCodesRequirement "
        "onPodConditions:*batch.PodFailurePolicyOnPodConditionsPattern"
    ),
    "batch.SuccessPolicy": "rules:*batch.SuccessPolicyRule",
    "batch.SuccessPolicyRule": "succeededIndexes:?s succeededCount:?i",
    "batch.UncountedTerminatedPods": "succeeded:*s failed:*s",
    "certificates.CertificateSigningRequest": (
        "metadata:meta.ObjectMeta spec:certificates.CertificateSigningRequestSpec "
        "status:certificates.CertificateSigningRequestStatus"
    ),
    "certificates.CertificateSigningRequestCondition": (
        "type reason message lastUpdateTime:T lastTransitionTime:T status"
    ),
    "certificates.CertificateSigningRequestSpec": (
        "request:y username uid groups:*s usages:*s extra:%E signerName expirationSeconds:?i"
    ),
    "certificates.CertificateSigningRequestStatus": (
        "conditions:*certificates.CertificateSigningRequestCondition certificate:y"
    ),
    "coordination.Lease": "metadata:meta.ObjectMeta spec:coordination.LeaseSpec",
    "coordination.LeaseSpec": (
        "holderIdentity:?s leaseDurationSeconds:?i acquireTime:?M renewTime:?M leaseTransitions:?i strategy:?s "
        "preferredHolder:?s"
    ),
    "discovery.Endpoint": (
        "addresses:*s conditions:discovery.EndpointConditions hostname:?s targetRef:?core.ObjectReference "
        "deprecatedTopology:%s nodeName:?s zone:?s hints:?discovery.EndpointHints"
    ),
    "discovery.EndpointConditions": "ready:?b serving:?b terminating:?b",
    "discovery.EndpointHints": "forZones:*discovery.ForZone forNodes:*discovery.ForNode",
    "discovery.EndpointPort": "name:?s protocol:?s port:?i appProtocol:?s",
    "discovery.EndpointSlice": (
        "metadata:meta.ObjectMeta endpoints:*discovery.Endpoint ports:*discovery.EndpointPort addressType"
    ),
    "discovery.ForNode": "name",
    "discovery.ForZone": "name",
    "events.Event": (
        "metadata:meta.ObjectMeta eventTime:M series:?events.EventSeries reportingController reportingInstance action "
        "reason regarding:core.ObjectReference related:?core.ObjectReference note type "
        "deprecatedSource:core.EventSource deprecatedFirstTimestamp:T deprecatedLastTimestamp:T deprecatedCount:i"
    ),
    "events.EventSeries": "count:i lastObservedTime:M",
    "networking.HTTPIngressPath": "path 3=pathType:?s 2=backend:networking.IngressBackend",
    "networking.HTTPIngressRuleValue": "paths:*networking.HTTPIngressPath",
    "networking.Ingress": ("metadata:meta.ObjectMeta spec:networking.IngressSpec status:networking.IngressStatus"),
    "networking.IngressBackend": (
        "3=resource:?core.TypedLocalObjectReference service:?networking.IngressServiceBackend"
    ),
    "networking.IngressClass": "metadata:meta.ObjectMeta spec:networking.IngressClassSpec",
    "networking.IngressClassParametersReference": "apiGroup:?s kind name scope:?s namespace:?s",
    "networking.IngressClassSpec": "controller parameters:?networking.IngressClassParametersReference",
    "networking.IngressLoadBalancerIngress": "ip hostname 4=ports:*networking.IngressPortStatus",
    "networking.IngressLoadBalancerStatus": "ingress:*networking.IngressLoadBalancerIngress",
    "networking.IngressPortStatus": "port:i protocol error:?s",
    "networking.IngressRule": "host ~:networking.IngressRuleValue",
    "networking.IngressRuleValue": "http:?networking.HTTPIngressRuleValue",
    "networking.IngressServiceBackend": "name port:networking.ServiceBackendPort",
    "networking.IngressSpec": (
        "defaultBackend:?networking.IngressBackend tls:*networking.IngressTLS rules:*networking.IngressRule "
        "ingressClassName:?s"
    ),
    "networking.IngressStatus": "loadBalancer:networking.IngressLoadBalancerStatus",
    "networking.IngressTLS": "hosts:*s secretName",
    "networking.ServiceBackendPort": "name number:i",
    "node.Overhead": "podFixed:%Q",
    "node.RuntimeClass": "metadata:meta.ObjectMeta handler overhead:?node.Overhead scheduling:?node.Scheduling",
    "node.Scheduling": "nodeSelector:%s tolerations:*core.Toleration",
    "policy.Eviction": "metadata:meta.ObjectMeta deleteOptions:?meta.DeleteOptions",
    "policy.PodDisruptionBudget": (
        "metadata:meta.ObjectMeta spec:policy.PodDisruptionBudgetSpec status:policy.PodDisruptionBudgetStatus"
    ),
    "policy.PodDisruptionBudgetSpec": (
        "minAvailable:?I selector:?meta.LabelSelector maxUnavailable:?I unhealthyPodEvictionPolicy:?s"
    ),
    "policy.PodDisruptionBudgetStatus": (
        "observedGeneration:i disruptedPods:%T disruptionsAllowed:i currentHealthy:i desiredHealthy:i expectedPods:i "
        "conditions:*meta.Condition"
    ),
    "rbac.AggregationRule": "clusterRoleSelectors:*meta.LabelSelector",
    "rbac.ClusterRole": "metadata:meta.ObjectMeta rules:*rbac.PolicyRule aggregationRule:?rbac.AggregationRule",
    "rbac.ClusterRoleBinding": "metadata:meta.ObjectMeta subjects:*rbac.Subject roleRef:rbac.RoleRef",
    "rbac.PolicyRule": "verbs:*s apiGroups:*s resources:*s resourceNames:*s nonResourceURLs:*s",
    "rbac.Role": "metadata:meta.ObjectMeta rules:*rbac.PolicyRule",
    "rbac.RoleBinding": "metadata:meta.ObjectMeta subjects:*rbac.Subject roleRef:rbac.RoleRef",
    "rbac.RoleRef": "apiGroup kind name",
    "rbac.Subject": "kind apiGroup name namespace",
    "scheduling.PriorityClass": "metadata:meta.ObjectMeta value:i globalDefault:b description preemptionPolicy:?s",
    "storage.StorageClass": (
        "metadata:meta.ObjectMeta provisioner parameters:%s reclaimPolicy:?s mountOptions:*s allowVolumeExpansion:?b "
        "volumeBindingMode:?s allowedTopologies:*core.TopologySelectorTerm"
    ),
}
