"""The generic verbs: what create, get, list, watch, update, patch and delete mean for every resource.

What may live here: functions over a `Context` and a `Call`, free of HTTP, used alike by the HTTP front and by the
in-process client. What is special about one resource stands in `registry/`.
"""
