"""Probes: startup, readiness and liveness of running containers.

What may live here: when to probe and what a result means (pure), the four ways to probe, and the state that the
others ask for. What follows from a result (a restart, an unready Pod) is decided by `kuberuntime` and `status`.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-probes
"""
