"""Pod security standards: three profiles, what they forbid version by version, and the plugin that holds Pods to them.

`levels` reads a namespace's labels, `baseline` and `restricted` are the checks, `profiles` says which of them apply,
`plugin` is what the admission chain calls. All but `plugin` is pure.
Page: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""
