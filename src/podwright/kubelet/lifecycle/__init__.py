"""Container lifecycle hooks: running them, and keeping what came of them.

What may live here: the handlers (exec, httpGet, tcpSocket, sleep), the record that makes delivery exact, the log of
what hooks wrote. When a hook is due is decided by `kuberuntime`.
Page: https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
"""
