"""ReplicaSets and ReplicationControllers: so many Pods of one template, no more and no fewer.

`decision` says what is missing or too much, and what the status is; `controller` carries it out.
Source: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
"""
