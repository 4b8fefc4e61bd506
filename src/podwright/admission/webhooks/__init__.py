"""Admission by webhooks: who is asked about a request, what they are asked, and what is made of their answers.

    webhook   a configuration, read once            index     which webhooks a kind of request concerns
    selection selectors of namespaces and objects   review    AdmissionReview, there and back
    endpoint  where a webhook is reached            caller    HTTPS, with a pool of connections
    source    the configurations as they are now    dispatch  one call with all its checks
    mutating, validating                            the two plugins that the admission chain calls

All but `caller`, `source`, `dispatch` and the plugins is pure.
Page: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""
