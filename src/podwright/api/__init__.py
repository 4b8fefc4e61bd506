"""The Kubernetes API's data, and nothing that does I/O.

What may live here: values and pure functions over them (objects, field paths, Status errors, quantities,
selectors, names, the published schema). Every other package may import this one; it imports none of them.
"""
