"""Nodes: whether they are well, what that does to their taints, and which Pods have to leave for a taint.

    health -> conditions of a node that is silent      taints -> taints by condition      (pure)
    zones  -> how many nodes may be tainted            pace   -> which one is next        (pure)
    controller                                         writes conditions and taints, and unready Pods
    eviction -> when a Pod has to leave (pure)         taint_eviction -> lets it leave

Page: https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller
"""
