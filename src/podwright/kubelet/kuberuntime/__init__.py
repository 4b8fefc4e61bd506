"""Makes the container runtime have what a Pod asks for. With images/puller the only part that changes the runtime.

What may live here: pure decisions about a Pod's sandbox and containers (`actions`, `grace`, `container_config`,
`sandbox_config`, `security`, `resources`), the calls that carry them out (`sandbox`, `container`, `killing`,
`sync_pod`), and the reading of the runtime into plain values (`observe`, `events`). `runtime.KubeRuntime` is the door.
Page: https://kubernetes.io/docs/concepts/containers/cri/
"""
