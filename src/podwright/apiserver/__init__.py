"""The API server: HTTPS in, one revision out.

What may live here: the server and its filters, generic handlers, the registry of resources, patches, discovery,
OpenAPI, tables, the proxy to the kubelet, the in-process client. It alone imports `storage` and `admission`.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""
