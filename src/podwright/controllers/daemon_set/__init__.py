"""DaemonSets: one Pod on every node that is to have it.

`nodes` says which nodes those are, `pods` makes Pods for them, `decision` says which to make and delete; `controller`
carries it out.
Source: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
"""
