"""aiohttp comes without the machine's certificate authorities, and leaves the environment alone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_PROGRAM = """
import os, sys
from podwright.client import http_library
http_library.load()
from aiohttp import connector
print(len(connector._SSL_CONTEXT_VERIFIED.get_ca_certs()))
print(os.environ.get("SSL_CERT_FILE"), "SSL_CERT_DIR" in os.environ)
"""


@pytest.mark.parametrize("given", [None, "/tmp/authorities.pem"])
def test_what_is_loaded_and_what_is_left(given: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT_")}
    if given is not None:
        environment["SSL_CERT_FILE"] = given
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout.split() == ["0", str(given), "False"], done.stderr
