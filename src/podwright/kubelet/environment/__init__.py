"""What a container sees of itself and of the cluster: variables, command line, mounts, hosts file, name, DNS.

What may live here: decisions about the inside of a container that are made before it is created. The pure parts
take values; `environment.py` alone reads objects and files.
Page: https://kubernetes.io/docs/concepts/containers/container-environment/
"""
