"""What every HTTP request passes before a handler sees it: who asks, whether they may, what is counted.

What may live here: decisions about a request as such; `front.py` calls them in one visible order.
"""
