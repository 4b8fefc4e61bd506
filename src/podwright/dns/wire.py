"""DNS messages as bytes: questions read, answers written. Pure; called by `server` and `upstream`.

Only what a stub resolver sends and expects; what is forwarded goes through as it came. Written here because a full
library takes ten times as long for a message, and the answer to every name of a Pod passes through.
Source: https://www.rfc-editor.org/rfc/rfc1035#section-4, https://www.rfc-editor.org/rfc/rfc6891 (EDNS)
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

Name = tuple[str, ...]
"""Labels from left to right, in lower case; () is the root."""

CLASSIC_UDP_LIMIT = 512
UDP_LIMIT = 1232
"""What fits an unfragmented packet everywhere; whoever offers room for more gets this much."""
_HEADER = struct.Struct("!6H")
_TAIL = struct.Struct("!2H")
_RECORD = struct.Struct("!2HIH")
_ANSWER, _AUTHORITATIVE, _TRUNCATED, _WANTS_RECURSION, _RECURSES = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
_OPT = 41


class Type(IntEnum):
    """The record types that this server knows."""

    A = 1
    CNAME = 5
    SOA = 6
    PTR = 12
    TXT = 16
    AAAA = 28
    SRV = 33
    ANY = 255


class Rcode(IntEnum):
    """The outcomes that this server gives."""

    OK = 0
    FORMAT_ERROR = 1
    SERVER_FAILURE = 2
    NO_SUCH_NAME = 3
    NOT_IMPLEMENTED = 4
    REFUSED = 5


class Malformed(ValueError):
    """Bytes that are no question. `reply`: what to answer, b"" for nothing."""

    def __init__(self, why: str, reply: bytes = b"") -> None:
        super().__init__(why)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Query:
    """One question. `room`: bytes that its sender takes in a datagram; `edns`: whether it said so."""

    id: int
    name: Name
    type: int
    recursive: bool
    room: int
    edns: bool
    question: bytes
    """The question section as it came, to be given back letter by letter."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record; `data` has no compressed names in it. `ttl` in seconds."""

    name: Name
    type: int
    ttl: int
    data: bytes


def name_of(text: str) -> Name:
    """`a.b.c` or `a.b.c.` as labels."""
    return tuple(label for label in text.lower().split(".") if label)


def pack_name(name: Name) -> bytes:
    """A name without compression. Raises ValueError for one that DNS cannot carry."""
    packed = b"".join(bytes((len(label),)) + label.encode("latin-1") for label in name) + b"\0"
    if len(packed) > 255 or any(not 0 < len(label) < 64 for label in name):
        raise ValueError(f"name {'.'.join(name)!r} is too long for DNS")
    return packed


def a(name: Name, ip: str, ttl: int) -> Record:
    """An address. Raises ValueError."""
    return Record(name, Type.A, ttl, ipaddress.IPv4Address(ip).packed)


def cname(name: Name, target: Name, ttl: int) -> Record:
    """Another name for `target`. Raises ValueError."""
    return Record(name, Type.CNAME, ttl, pack_name(target))


def ptr(name: Name, target: Name, ttl: int) -> Record:
    """The name that belongs to an address."""
    return Record(name, Type.PTR, ttl, pack_name(target))


def srv(name: Name, port: int, target: Name, ttl: int, weight: int = 100) -> Record:
    """Host and port of a service; all have the same priority."""
    return Record(name, Type.SRV, ttl, struct.pack("!3H", 0, weight, port) + pack_name(target))


def txt(name: Name, text: str, ttl: int) -> Record:
    """A text of at most 255 bytes."""
    data = text.encode()
    return Record(name, Type.TXT, ttl, bytes((len(data),)) + data)


def soa(zone: Name, ttl: int) -> Record:
    """What a negative answer carries, so that resolvers know how long it holds: `ttl` seconds.

    The serial number never changes: nobody copies this zone.
    """
    names = pack_name(("ns", "dns", *zone)) + pack_name(("hostmaster", *zone))
    return Record(zone, Type.SOA, ttl, names + struct.pack("!5I", 1, 7200, 1800, 86400, ttl))


def parse_query(data: bytes) -> Query:
    """The question in a message. Raises Malformed, with the answer that its sender should get."""
    if len(data) < _HEADER.size:
        raise Malformed("shorter than a header")
    id_, flags, questions, answers, authorities, additional = _HEADER.unpack_from(data)
    if flags & _ANSWER:
        raise Malformed("an answer, not a question")  # to answer it could go on for ever
    if flags & 0x7800:
        raise Malformed("not a query", _bare(id_, flags, Rcode.NOT_IMPLEMENTED))
    malformed = _bare(id_, flags, Rcode.FORMAT_ERROR)
    if questions != 1 or answers or authorities or additional > 1:
        raise Malformed("not one question alone", malformed)
    try:
        name, end = _read_name(data, _HEADER.size, compressed=False)
        type_, class_ = _TAIL.unpack_from(data, end)
        room = _edns_room(data, end + _TAIL.size) if additional else 0
    except (struct.error, IndexError, ValueError) as error:
        raise Malformed(str(error), malformed) from error
    if class_ != 1:
        raise Malformed("not of the Internet", _bare(id_, flags, Rcode.REFUSED))
    question = data[_HEADER.size : end + _TAIL.size]
    limit = min(max(room, CLASSIC_UDP_LIMIT), UDP_LIMIT)
    return Query(id_, name, type_, bool(flags & _WANTS_RECURSION), limit, bool(additional), question)


def response(
    query: Query,
    rcode: Rcode,
    answers: Sequence[Record] = (),
    authorities: Sequence[Record] = (),
    additional: Sequence[Record] = (),
    *,
    room: int = 65535,
    authoritative: bool = True,
) -> bytes:
    """The answer in at most `room` bytes. What does not fit is left out; if it is of the answer, TC says so."""
    options = b"\0" + _RECORD.pack(_OPT, UDP_LIMIT, 0, 0) if query.edns else b""
    body = bytearray(query.question)
    known = {query.name: 0xC000 | _HEADER.size}
    left = room - _HEADER.size - len(options)
    counts = [0, 0, 0]
    flags = _ANSWER | _RECURSES | rcode
    flags |= (_WANTS_RECURSION if query.recursive else 0) | (_AUTHORITATIVE if authoritative else 0)
    for section, records in enumerate((answers, authorities, additional)):
        for record in records:
            packed = _pack_record(record, known, len(body) + _HEADER.size)
            if len(body) + len(packed) > left:
                flags |= _TRUNCATED if section == 0 else 0
                break
            body += packed
            counts[section] += 1
        if flags & _TRUNCATED:
            break
    header = _HEADER.pack(query.id, flags, 1, counts[0], counts[1], counts[2] + bool(options))
    return header + bytes(body) + options


def query_bytes(id_: int, name: Name, type_: int) -> bytes:
    """A question to another server. Raises ValueError for a name that DNS cannot carry."""
    return _HEADER.pack(id_, _WANTS_RECURSION, 1, 0, 0, 0) + pack_name(name) + _TAIL.pack(type_, 1)


def with_id(message: bytes, id_: int) -> bytes:
    """The same message under another id."""
    return id_.to_bytes(2, "big") + message[2:]


def answers_question(message: bytes, asked: bytes) -> bool:
    """Whether a message is an answer to `asked`: same id, same question."""
    if len(message) < _HEADER.size or message[:2] != asked[:2] or not message[2] & 0x80:
        return False
    try:
        return _question(message) == _question(asked)
    except (struct.error, IndexError, ValueError):
        return False


def parse_answers(message: bytes) -> tuple[Rcode, list[Record]]:
    """Outcome and the addresses and other names in the answer section of a reply. Raises Malformed."""
    try:
        _, flags, questions, answers, _, _ = _HEADER.unpack_from(message)
        at = _HEADER.size
        for _ in range(questions):
            at = _read_name(message, at)[1] + _TAIL.size
        records = []
        for _ in range(answers):
            name, at = _read_name(message, at)
            type_, _class, ttl, length = _RECORD.unpack_from(message, at)
            at += _RECORD.size
            if at + length > len(message):
                raise ValueError("record without its data")
            if type_ == Type.CNAME:
                records.append(Record(name, type_, ttl, pack_name(_read_name(message, at)[0])))
            elif type_ in (Type.A, Type.AAAA):
                records.append(Record(name, type_, ttl, message[at : at + length]))
            at += length
        code = flags & 0xF
        return (Rcode(code) if code in set(Rcode) else Rcode.SERVER_FAILURE), records
    except (struct.error, IndexError, ValueError) as error:
        raise Malformed(str(error)) from error


def failure(query: Query, rcode: Rcode) -> bytes:
    """An answer without records."""
    return response(query, rcode, authoritative=False)


def shortened(query: Query, message: bytes) -> bytes:
    """In place of an answer that does not fit: ask again over TCP."""
    if len(message) <= query.room:
        return message
    flags = int.from_bytes(message[2:4], "big") | _TRUNCATED
    return _HEADER.pack(query.id, flags, 1, 0, 0, 0) + query.question


def _bare(id_: int, flags: int, rcode: Rcode) -> bytes:
    return _HEADER.pack(id_, _ANSWER | (flags & 0x7900) | rcode, 0, 0, 0, 0)


def _question(message: bytes) -> tuple[Name, bytes]:
    name, end = _read_name(message, _HEADER.size, compressed=False)
    return name, message[end : end + _TAIL.size]


def _read_name(data: bytes, at: int, *, compressed: bool = True) -> tuple[Name, int]:
    """The name at an offset, and the offset behind it. Raises ValueError, IndexError."""
    labels: list[str] = []
    end, length = -1, 0
    while size := data[at]:
        if size >= 0xC0 and compressed:
            end = at + 2 if end < 0 else end
            target = (size & 0x3F) << 8 | data[at + 1]
            if target >= at:
                raise ValueError("name that points forward")  # only backwards, so it comes to an end
            at = target
            continue
        if size >= 64:
            raise ValueError("label of an unknown kind")
        length += size + 1
        label = data[at + 1 : at + 1 + size]
        if len(label) < size or length > 254:
            raise ValueError("name that does not end")
        labels.append(label.decode("latin-1").lower())
        at += size + 1
    return tuple(labels), at + 1 if end < 0 else end


def _edns_room(data: bytes, at: int) -> int:
    if data[at]:
        raise ValueError("additional record that is no option")
    type_, room, _, length = _RECORD.unpack_from(data, at + 1)
    if type_ != _OPT or at + 1 + _RECORD.size + length > len(data):
        raise ValueError("additional record that is no option")
    return int(room)


def _pack_record(record: Record, known: dict[Name, int], at: int) -> bytes:
    pointer = known.get(record.name)
    if pointer is None:
        owner = pack_name(record.name)
        if at < 0x4000:
            known[record.name] = 0xC000 | at
    else:
        owner = pointer.to_bytes(2, "big")
    return owner + _RECORD.pack(record.type, 1, record.ttl, len(record.data)) + record.data


def rotated(records: Iterable[Record], by: int) -> list[Record]:
    """The records in another order, so that clients that take the first do not all take the same."""
    found = list(records)
    start = by % len(found) if found else 0
    return found[start:] + found[:start]
