"""This machine as a Node object: what it has, whether it can run Pods, and that it is alive.

What may live here: reading the machine (`machine`), asking the runtime (`runtime_info`), the pure decisions
(`node_object`, `conditions`), and the two writers: `manager` (the Node) and `lease` (its heartbeat).
Page: https://kubernetes.io/docs/concepts/architecture/nodes/
"""
