"""The volumes of a Pod: put in place before its containers start, kept up to date, taken away after.

What may live here: one file a volume type, the manager that keeps them in step with a Pod, and the little that they
need of Linux (mounts, safe paths). Everything lies below `<data>/pods/<uid>/`.
Page: https://kubernetes.io/docs/concepts/storage/volumes/
"""
