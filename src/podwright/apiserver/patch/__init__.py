"""The four kinds of patch, and who owns which field; each is pure: a document and a patch in, a new document out.

Called by the patch handler (`json_patch`, `merge`, `strategic`, `apply`) and, for every write, `managed_fields`.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
"""
