"""Admission: plugins that may change or refuse an object on its way to the store, one a file, and their chain.

Only the API server imports this package. Plugins meet the cluster through `client.interface` alone.
Page: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
"""
