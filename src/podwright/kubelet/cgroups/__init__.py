"""The cgroups that Pods live in: one for each Pod below its QoS class, below one of this instance alone.

What may live here: which hierarchies there are (`hierarchy`), a Pod's limits (`limits`), making and removing cgroups
(`tree`, `pods`), what is used in them (`usage`). The containers' own cgroups below a Pod's are the runtime's (cgroupfs
driver).
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/ and .../architecture/cgroups/
"""
