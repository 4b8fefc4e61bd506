"""Whether a user may do what a request asks: roles and bindings, the special case of nodes, and who may grant what.

What may live here: pure decisions over rules, and indexes that are told by the store of every change at once.
"""
