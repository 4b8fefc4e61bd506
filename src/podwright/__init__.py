"""Podwright: Kubernetes Pods on one machine, from one Python program, on a real container runtime."""

__version__ = "0.1.0"

KUBERNETES_VERSION = "v1.36.2"
"""The release of Kubernetes whose API and behaviour are served."""
