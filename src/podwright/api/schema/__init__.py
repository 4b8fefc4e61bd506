"""The published API schema: what fields an object has, of which type, and how lists and maps are merged.

Called by the API server (decoding, pruning, patches, managed fields) and by whoever reads manifests.
The schema is the OpenAPI document of Kubernetes v1.36, as the package `kubernetes-validate` carries it.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from podwright.api.schema.check import Checked
from podwright.api.schema.decode import decode_json, decode_yaml
from podwright.api.schema.document import Schema
from podwright.api.schema.node import Kind, Node

__all__ = ["Checked", "Kind", "Node", "Schema", "decode_json", "decode_yaml"]
