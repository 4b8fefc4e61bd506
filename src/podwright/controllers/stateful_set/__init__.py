"""StatefulSets: Pods with names, an order and claims that outlive them.

`identity` makes Pods, `claims` their claims, `decision` says what comes next, `status` what is told; `controller`
carries it out.
Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
"""
