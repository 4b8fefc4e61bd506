"""CertificateSigningRequests: approved where they are a node's own, signed once approved, cleared away when old.

What may live here: one controller a file, and the pure rules of the signers.
"""
