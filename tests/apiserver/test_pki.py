from __future__ import annotations

import datetime
import ssl
import stat
from pathlib import Path

from podwright.apiserver import pki

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def state(directory: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in directory.iterdir()}


def test_made_once_private_and_usable(tmp_path: Path) -> None:
    orders = pki.orders(("localhost", "10.0.0.1"), "n1", ("n1",))
    files = pki.ensure(tmp_path / "pki", orders, NOW)
    before = state(files.directory)
    assert {stat.S_IMODE(p.stat().st_mode) for p in files.directory.iterdir()} == {0o600}
    pki.ensure(tmp_path / "pki", orders, NOW + datetime.timedelta(days=1))
    assert state(files.directory) == before
    for order in orders:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.cert(order.name), files.key(order.name))


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {name for name in after if before.get(name) != after[name] and name.endswith(".crt")}


def test_other_names_make_that_certificate_anew(tmp_path: Path) -> None:
    pki.ensure(tmp_path, pki.orders(("a",), "n1", ("n1",)), NOW)
    before = state(tmp_path)
    pki.ensure(tmp_path, pki.orders(("a", "b"), "n1", ("n1",)), NOW)
    assert changed(before, state(tmp_path)) == {"apiserver.crt"}


def test_what_expires_soon_is_renewed_and_the_authority_stays(tmp_path: Path) -> None:
    orders = pki.orders(("a",), "n1", ("n1",))
    pki.ensure(tmp_path, orders, NOW)
    before = state(tmp_path)
    pki.ensure(tmp_path, orders, NOW + pki.LIFE - datetime.timedelta(days=2))
    assert changed(before, state(tmp_path)) == {f"{o.name}.crt" for o in orders if not o.authority}


def test_a_lost_authority_takes_everything_with_it(tmp_path: Path) -> None:
    orders = pki.orders(("a",), "n1", ("n1",))
    pki.ensure(tmp_path, orders, NOW)
    before = state(tmp_path)
    (tmp_path / "ca.crt").unlink()
    pki.ensure(tmp_path, orders, NOW)
    assert changed(before, state(tmp_path)) == {f"{o.name}.crt" for o in orders}
