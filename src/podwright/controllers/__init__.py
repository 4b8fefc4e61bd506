"""The controllers: what makes the cluster's derived objects and cleans up after deleted ones.

What may live here: one controller a file, and `manager`, which runs them all. They know the API only through
`client.interface` and never each other.
"""
