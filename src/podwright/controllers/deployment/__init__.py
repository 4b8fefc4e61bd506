"""Deployments: ReplicaSets that take turns.

`sets` tells the newest ReplicaSet from the older ones, `rollout` says how large each is to be, `status` what is told of
it; a `round` carries that out, when `controller` has heard of a change.
Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""
