"""DNS messages: what is read, what is refused, what is written; a full library reads what ours wrote."""

from __future__ import annotations

import contextlib
import struct

import dnslib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.dns import wire
from podwright.dns.wire import Malformed, Rcode, Type, name_of, parse_query, response

NAME = name_of("web.default.svc.cluster.local")


def question(name: str = "web.default.svc.cluster.local", type_: str = "A", edns: int = 0) -> bytes:
    record = dnslib.DNSRecord.question(name, type_)
    if edns:
        record.add_ar(dnslib.EDNS0(udp_len=edns))
    return bytes(record.pack())


def test_a_question_is_read_in_lower_case_and_given_back_as_it_came() -> None:
    query = parse_query(question("Web.Default.svc.cluster.local"))
    assert query.name == NAME
    assert query.type == Type.A
    assert query.recursive
    assert b"\3Web\7Default" in response(query, Rcode.OK)


@pytest.mark.parametrize(
    ("offered", "room"), [(0, 512), (100, 512), (700, 700), (4096, 1232)], ids=["none", "too little", "some", "much"]
)
def test_room_is_what_the_client_offers_within_reason(offered: int, room: int) -> None:
    query = parse_query(question(edns=offered))
    assert query.room == room
    assert query.edns == bool(offered)


HEADER = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0)
MALFORMED = {
    "nothing": (b"", None),
    "half a header": (b"\0\1\1\0", None),
    "an answer": (struct.pack("!6H", 7, 0x8000, 1, 0, 0, 0) + b"\0\0\1\0\1", None),
    "no question": (struct.pack("!6H", 7, 0x0100, 0, 0, 0, 0), Rcode.FORMAT_ERROR),
    "two questions": (struct.pack("!6H", 7, 0x0100, 2, 0, 0, 0) + b"\0\0\1\0\1" * 2, Rcode.FORMAT_ERROR),
    "a name without end": (HEADER + b"\3abc", Rcode.FORMAT_ERROR),
    "a label longer than the message": (HEADER + b"\x3fabc", Rcode.FORMAT_ERROR),
    "a name that points at itself": (HEADER + b"\xc0\x0c\0\1\0\1", Rcode.FORMAT_ERROR),
    "a name longer than 255": (HEADER + (b"\x3f" + b"a" * 63) * 5 + b"\0\0\1\0\1", Rcode.FORMAT_ERROR),
    "no type": (HEADER + b"\1a\0\0", Rcode.FORMAT_ERROR),
    "options cut off": (struct.pack("!6H", 7, 0x0100, 1, 0, 0, 1) + b"\0\0\1\0\1\0\0\x29", Rcode.FORMAT_ERROR),
    "an update": (struct.pack("!6H", 7, 0x2800, 1, 0, 0, 0) + b"\0\0\6\0\1", Rcode.NOT_IMPLEMENTED),
    "of the class CHAOS": (HEADER + b"\0\0\x10\0\3", Rcode.REFUSED),
}


@pytest.mark.parametrize(("message", "rcode"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed(message: bytes, rcode: Rcode | None) -> None:
    with pytest.raises(Malformed) as raised:
        parse_query(message)
    if rcode is None:
        assert raised.value.reply == b""
    else:
        answer = dnslib.DNSRecord.parse(raised.value.reply)
        assert (answer.header.id, answer.header.qr, answer.header.rcode) == (7, 1, rcode)


@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda b: HEADER + b))
def test_any_bytes_are_a_question_or_malformed(message: bytes) -> None:
    try:
        query = parse_query(message)
    except Malformed:
        return
    assert wire.answers_question(response(query, Rcode.OK), message)


@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda b: struct.pack("!6H", 7, 0x8180, 1, 3, 0, 0) + b))
def test_any_bytes_from_upstream_are_records_or_malformed(message: bytes) -> None:
    with contextlib.suppress(Malformed):
        wire.parse_answers(message)


def test_a_full_library_reads_every_kind_of_record() -> None:
    query = parse_query(question(edns=1232))
    records = [
        wire.a(NAME, "10.96.0.1", 5),
        wire.srv(NAME, 8080, ("a", *NAME), 5),
        wire.cname(NAME, name_of("example.com."), 30),
        wire.ptr(NAME, ("x",), 5),
        wire.txt(NAME, "1.1.0", 30),
    ]
    answer = dnslib.DNSRecord.parse(response(query, Rcode.OK, records, [wire.soa(("cluster", "local"), 5)]))
    assert [str(r.rdata) for r in answer.rr] == [
        "10.96.0.1",
        "0 100 8080 a.web.default.svc.cluster.local.",
        "example.com.",
        "x.",
        '"1.1.0"',
    ]
    assert {str(r.rname) for r in answer.rr} == {"web.default.svc.cluster.local."}
    assert answer.header.aa
    assert answer.auth[0].rdata.times[-1] == 5
    assert answer.ar[0].rtype == 41


def test_what_does_not_fit_is_left_out_and_said_so() -> None:
    query = parse_query(question())
    records = [wire.a(NAME, f"10.0.0.{i}", 5) for i in range(60)]
    message = response(query, Rcode.OK, records, room=query.room)
    answer = dnslib.DNSRecord.parse(message)
    assert len(message) <= 512
    assert answer.header.tc
    assert 20 < len(answer.rr) < 60
    assert not dnslib.DNSRecord.parse(response(query, Rcode.OK, records)).header.tc


def test_additional_records_that_do_not_fit_are_no_truncation() -> None:
    query = parse_query(question())
    extra = [wire.a((f"{i}", *NAME), "10.0.0.1", 5) for i in range(60)]
    message = response(query, Rcode.OK, [wire.a(NAME, "10.0.0.1", 5)], (), extra, room=512)
    assert len(message) <= 512
    assert not dnslib.DNSRecord.parse(message).header.tc


def test_records_of_an_answer_from_elsewhere_are_read_through_its_compressed_names() -> None:
    reply = dnslib.DNSRecord.parse(question("a.example.com")).reply()
    reply.add_answer(*dnslib.RR.fromZone("a.example.com 60 CNAME b.example.com\nb.example.com 60 A 192.0.2.1"))
    rcode, records = wire.parse_answers(bytes(reply.pack()))
    assert rcode == Rcode.OK
    assert records == [
        wire.cname(name_of("a.example.com"), name_of("b.example.com"), 60),
        wire.a(name_of("b.example.com"), "192.0.2.1", 60),
    ]


def test_an_answer_belongs_to_its_question_alone() -> None:
    asked = question("a.example.com")
    right = dnslib.DNSRecord.parse(asked).reply().pack()
    assert wire.answers_question(right, asked)
    assert not wire.answers_question(wire.with_id(right, (right[0] << 8 | right[1]) ^ 1), asked)
    assert not wire.answers_question(dnslib.DNSRecord.parse(question("b.example.com")).reply().pack(), asked)
    assert not wire.answers_question(asked, asked)
