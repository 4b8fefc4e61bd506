"""Keeping the node alive when it runs short of memory, disk or processes: Pods are ended, in a fair order.

What may live here: pure decisions (`thresholds`: is it short, and since when; `ranking`: who goes first; `messages`;
`local_limits`: who uses more disk than it may) and `manager`, which looks every ten seconds and acts on them.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
"""
