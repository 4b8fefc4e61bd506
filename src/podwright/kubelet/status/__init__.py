"""How a Pod is, as its status says it, and the one writer of that status.

What may live here: pure functions from what the runtime has to `PodStatus` (`generate` and its parts `phase`,
`containers`, `conditions`, `patch`), and `manager`, which writes it to the API.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""
