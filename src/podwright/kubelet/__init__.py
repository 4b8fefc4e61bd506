"""The kubelet: makes the Pods bound to this node run on the container runtime, and tells the API how they are.

What may live here: everything that knows both what a Pod is and what the runtime does. It meets the rest of
Podwright only through `client.interface`; it alone imports `cri`.
Page: https://kubernetes.io/docs/concepts/architecture/#kubelet
"""
