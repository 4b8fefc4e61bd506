"""PodDisruptionBudgets: how many of their Pods may go now (`decision`, pure), and the controller that writes it down.

Page: https://kubernetes.io/docs/concepts/workloads/pods/disruptions/
"""
