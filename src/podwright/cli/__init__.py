"""The command line: one file a verb.

What may live here: reading flags, talking to a node that runs, printing. Verbs are imported only when they are
called, so that each starts as fast as what it needs.
"""
