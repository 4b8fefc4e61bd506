"""Registry credentials: where they come from and which of them are for an image.

What may live here: config.json, pull secrets, exec providers, and matching. Nothing here talks to a registry; a secret
is never written into a log, an event or an error's text.
Page: https://kubernetes.io/docs/concepts/containers/images/#using-a-private-registry
"""
