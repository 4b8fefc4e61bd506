"""How every room talks to the Kubernetes API, wherever it runs.

What may live here: the interface, the HTTP client, informers, the work queue, the event recorder. The
in-process client, which skips HTTP, is the API server's own (`apiserver/local_client`) and has the same interface.
"""
