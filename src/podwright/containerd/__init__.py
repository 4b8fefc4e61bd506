"""The managed runtime: a containerd of Podwright's own, below its data directory, and the images made on the machine.

What may live here: everything about that containerd as a program: what it is given to read (configuration, CNI),
its process, the network it needs, how images get into it from files, and how nothing of it is left behind. It knows
no Pods and speaks no CRI; the kubelet does, over the socket. With `--container-runtime-endpoint` none of this runs.
Page: https://kubernetes.io/docs/setup/production-environment/container-runtimes/#containerd
"""
