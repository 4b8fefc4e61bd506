"""The API described to its clients: `kubectl explain`, client-side validation, generated clients.

`documents` answers requests; `definitions` writes the types in the form of OpenAPI 2 or 3, `paths` the operations,
`protobuf` the one encoding of version 2 that kubectl insists on.
Page: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition
"""
