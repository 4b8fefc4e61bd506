"""The revisioned store: one append-only log of revisions, the newest state of every key, watches.

What may live here: the interface, the memory and the SQLite store, the watch fan-out. Nothing here knows what
a Pod is. Only the API server imports this package.
"""
