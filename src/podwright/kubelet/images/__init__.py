"""Images on this node: from what a Pod says to the image that its container is created from.

What may live here: names, pull policy, back-off, pulling, the record of who may use what was pulled, and collection of
what nobody uses. It alone calls the runtime's image service.
Page: https://kubernetes.io/docs/concepts/containers/images/
"""
