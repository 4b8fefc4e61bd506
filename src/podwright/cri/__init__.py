"""The Container Runtime Interface: what the kubelet says to containerd, CRI-O or any other runtime.

What may live here: the protocol (`cri.proto` and what is generated from it), the clients of its two services, their
errors, and the few calls of containerd's own API that CRI lacks. It knows nothing of Pods.
Page: https://kubernetes.io/docs/concepts/architecture/cri/
"""
