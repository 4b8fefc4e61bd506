"""The scheduler: which node a Pod runs on.

What may live here: what a Pod demands, which nodes can give it (`filter`), which of them does best (`score`), and the
loop that binds (`scheduler`). It knows the API only through `client.interface`.
"""
