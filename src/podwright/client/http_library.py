"""aiohttp, imported without the machine's certificate authorities.

aiohttp makes two TLS contexts when it is imported and reads every authority of the machine for each, which takes 50 ms
and 2 MB. Nothing here uses them: each connection has a context of its own.
Called by verbs of the command line before they import what needs aiohttp.
Source: https://docs.openssl.org/3.0/man7/openssl-env/ (SSL_CERT_DIR, SSL_CERT_FILE)
"""

from __future__ import annotations

import os

_WHERE_FROM = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def load() -> None:
    """Import aiohttp; to be called before there are other threads. The environment is as it was afterwards."""
    before = {name: os.environ.get(name) for name in _WHERE_FROM}
    os.environ.update(dict.fromkeys(_WHERE_FROM, os.devnull))
    try:
        import aiohttp  # noqa: F401
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
