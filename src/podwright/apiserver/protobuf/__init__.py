"""Request bodies in Kubernetes' protobuf: newer kubectl sends them for built-in types without asking first.

What may live here: the published field numbers and a reader. Answers are never written in it: every client that sends
protobuf also accepts JSON. Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
"""
