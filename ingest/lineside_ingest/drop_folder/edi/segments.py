"""EDIFACT and X12 as segments: the bytes of an interchange cut into its messages, each with its envelope. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lineside.errors import UnreadableMessage

_LONGEST_ID = 200
_START = re.compile(r"(?:^|(?<=[\s'~\x1c]))(?:UNA.{6}\s{0,4}UNB|UNB\W|ISA[^\sA-Za-z0-9])", re.DOTALL)
_CHARSETS = {
    "UNOA": "", "UNOB": "", "UNOC": "iso8859-1", "UNOD": "iso8859-2", "UNOE": "iso8859-5", "UNOF": "iso8859-7",
    "UNOG": "iso8859-3", "UNOH": "iso8859-4", "UNOI": "iso8859-6", "UNOJ": "iso8859-8", "UNOK": "iso8859-9",
    "UNOW": "utf-8", "UNOX": "iso2022_jp", "UNOY": "utf-8",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Segment:
    """A tag and its elements, each a list of components; what is absent reads as empty."""

    tag: str
    elements: tuple[tuple[str, ...], ...]

    def get(self, element: int, component: int = 1) -> str:
        """The component, both counted from 1 as the standards do."""
        if element > len(self.elements) or component > len(self.elements[element - 1]):
            return ""
        return self.elements[element - 1][component - 1].strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """The characters that separate. release: what makes the next one plain; empty in X12."""

    element: str
    component: str
    end: str
    release: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One message of an interchange. problem: why it can't be trusted; empty where it can.

    name: DESADV or 856. prepared: the interchange's date and time as written, YYMMDDHHMM or longer.
    """

    standard: str
    sender: str
    control: str
    reference: str
    prepared: str
    test: bool
    name: str
    segments: tuple[Segment, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A part of a file: a message with its envelope, or what is wrong with the interchange around it.

    source_id: from control numbers; empty where nothing names it. sequence: sender and control number.
    """

    content: bytes
    source_id: str = ""
    problem: str = ""
    sequence: tuple[str, str] = ("", "")


def is_edi(content: bytes) -> bool:
    """Whether a file begins as an interchange does."""
    head = content[:200].removeprefix(b"\xef\xbb\xbf").lstrip()
    return head.startswith((b"UNA", b"UNB", b"ISA"))


def cut(content: bytes) -> Iterator[Cut]:
    """Each message of a file, and what is wrong with its interchanges. One broken message keeps no other back."""
    text, charset = _text(content)
    for raw in _interchanges(text):
        try:
            reader = _X12(raw, charset) if raw.startswith("ISA") else _Edifact(raw, charset)
        except UnreadableMessage as error:
            yield Cut(content=raw.encode(charset), problem=error.message)
        else:
            yield from reader.cuts()


def document(content: bytes) -> Document:
    """The message that a cut holds. Raises UnreadableMessage."""
    text, charset = _text(content)
    raw = text.strip()
    reader = _X12(raw, charset) if raw.startswith("ISA") else _Edifact(raw, charset)
    return reader.document()


def _text(content: bytes) -> tuple[str, str]:
    """The text, losslessly, and how it was coded."""
    bare = content.removeprefix(b"\xef\xbb\xbf")
    found = re.search(rb"UNB.(UNO[A-Z])", bare[:200], re.DOTALL)
    charset = _CHARSETS.get(found[1].decode(), "") if found else ""
    for each in (charset, "utf-8", "iso8859-1"):  # many senders write more than the level they declare
        if each:
            try:
                return bare.decode(each), each
            except UnicodeDecodeError:
                continue
    raise UnreadableMessage("no text")  # never reached: iso8859-1 reads every byte


def _interchanges(text: str) -> Iterator[str]:
    """Each interchange of a file, from its first tag to the next one's."""
    starts = [found.start() for found in _START.finditer(text)]
    if not starts or text[: starts[0]].strip():
        starts = [0, *starts]
    for start, stop in zip(starts, [*starts[1:], len(text)], strict=True):
        yield text[start:stop].strip()


class _Edifact:
    def __init__(self, text: str, charset: str) -> None:
        self._charset = charset
        self._head = ""
        self._syntax = Syntax(element="+", component=":", end="'", release="?")
        if text.startswith("UNA") and len(text) > 9:
            component, element, _, release, _, end = tuple(text[3:9])
            self._head = text[:9]
            self._syntax = Syntax(element=element, component=component, end=end, release=release.strip())
            text = text[9:]
        self._segments = list(_segments(text, self._syntax))

    def cuts(self) -> Iterator[Cut]:
        header = next(((raw, each) for raw, each in self._segments if each.tag == "UNB"), None)
        if header is None:
            yield Cut(content=self._bytes([raw for raw, _ in self._segments]), problem="an interchange without UNB")
            return
        unb = header[1]
        prefix = [self._head, header[0]]
        own = f"{unb.get(2)}/{unb.get(4)}{unb.get(4, 2)}/{unb.get(5)}"
        sequence = (unb.get(2), unb.get(5))
        messages: list[list[str]] = []
        groups, ended, within = 0, False, False
        for raw, segment in self._segments:
            if segment.tag == "UNH":
                messages.append([raw])
                within = True
            elif within and segment.tag not in {"UNE", "UNZ"}:
                messages[-1].append(raw)
                within = segment.tag != "UNT"
            elif segment.tag == "UNG":
                groups += 1
            elif segment.tag == "UNZ":
                ended = True
                counted = groups or len(messages)
                if segment.get(1) not in {str(counted), f"{counted:06d}"} or segment.get(2) != unb.get(5):
                    yield self._wrong(
                        prefix, own, f"UNZ counts {segment.get(1)} of {segment.get(2)}, there are {counted}"
                    )
        for place, message in enumerate(messages):
            found = next(_segments(message[0], self._syntax))[1]
            yield Cut(
                content=self._bytes([*prefix, *message]),
                source_id=_short(f"{own}/{found.get(1) or place}"),
                sequence=sequence,
            )
        if not ended:
            yield self._wrong(prefix, own, f"the interchange breaks off after {len(messages)} messages: no UNZ")

    def document(self) -> Document:
        by_tag = {segment.tag: segment for _, segment in reversed(self._segments)}
        unb, unh = by_tag.get("UNB"), by_tag.get("UNH")
        if unb is None or unh is None:
            raise UnreadableMessage("an EDIFACT message without UNB or UNH")
        start = next(place for place, (_, each) in enumerate(self._segments) if each.tag == "UNH")
        body = [each for _, each in self._segments[start:]]
        problem = ""
        if body[-1].tag != "UNT":
            problem = f"the message {unh.get(1)} breaks off: no UNT"
        elif not _equal(body[-1].get(1), len(body)) or body[-1].get(2) != unh.get(1):
            problem = (
                f"UNT counts {body[-1].get(1)} segments of {body[-1].get(2)}, there are {len(body)} of {unh.get(1)}"
            )
        return Document(
            standard="edifact",
            sender=unb.get(2),
            control=unb.get(5),
            reference=unh.get(1),
            prepared=unb.get(4) + unb.get(4, 2),
            test=unb.get(11) == "1",
            name=unh.get(2).upper(),
            segments=tuple(body[1:-1] if not problem else body[1:]),
            problem=problem,
        )

    def _wrong(self, prefix: Sequence[str], own: str, problem: str) -> Cut:
        return Cut(content=self._bytes(prefix), source_id="", problem=f"{own}: {problem}")

    def _bytes(self, raw: Sequence[str]) -> bytes:
        return "".join(raw).encode(self._charset)


class _X12:
    def __init__(self, text: str, charset: str) -> None:
        self._charset = charset
        element = text[3:4]
        head = text.split(element, 16) if element else []
        if len(head) < 17 or len(head[16]) < 2:
            raise UnreadableMessage("an ISA that is not whole")
        self._syntax = Syntax(element=element, component=head[16][0], end=head[16][1])
        self._segments = list(_segments(text, self._syntax))
        self._isa = self._segments[0]

    def cuts(self) -> Iterator[Cut]:
        raw_isa, isa = self._isa
        own = f"{isa.get(6)}/{isa.get(9)}{isa.get(10)}/{isa.get(13)}"
        group: tuple[str, Segment] | None = None
        current: list[str] = []
        reference, count, groups, ended = "", 0, 0, False
        for raw, segment in self._segments[1:]:
            if segment.tag == "GS":
                group, count, groups = (raw, segment), 0, groups + 1
            elif segment.tag == "ST":
                if current:  # the one before has no SE
                    yield self._message(current, own, reference)
                current, reference = [raw_isa, group[0] if group else "", raw], segment.get(2)
                reference = f"{group[1].get(6) if group else ''}/{reference}"
                count += 1
            elif segment.tag in {"GE", "IEA"}:
                if current:
                    yield self._message(current, own, reference)
                    current = []
                counted, of = (
                    (count, group[1].get(6) if group else "") if segment.tag == "GE" else (groups, isa.get(13))
                )
                if not _equal(segment.get(1), counted) or segment.get(2).lstrip("0") != of.lstrip("0"):
                    problem = f"{own}: {segment.tag} counts {segment.get(1)} of {segment.get(2)}, there are {counted}"
                    yield Cut(content=raw_isa.encode(self._charset), problem=problem)
                ended = ended or segment.tag == "IEA"
            elif current:
                current.append(raw)
                if segment.tag == "SE":
                    yield self._message(current, own, reference)
                    current = []
        if current:
            yield self._message(current, own, reference)
        if not ended:
            yield Cut(content=raw_isa.encode(self._charset), problem=f"{own}: the interchange breaks off: no IEA")

    def document(self) -> Document:
        isa = self._isa[1]
        place = next((n for n, (_, each) in enumerate(self._segments) if each.tag == "ST"), None)
        if place is None:
            raise UnreadableMessage("an X12 message without ST")
        body = [each for _, each in self._segments[place:]]
        start, end, problem = body[0], body[-1], ""
        if end.tag != "SE":
            problem = f"the transaction {start.get(2)} breaks off: no SE"
        elif not _equal(end.get(1), len(body)) or end.get(2) != start.get(2):
            problem = f"SE counts {end.get(1)} segments of {end.get(2)}, there are {len(body)} of {start.get(2)}"
        return Document(
            standard="x12",
            sender=isa.get(6),
            control=isa.get(13),
            reference=start.get(2),
            prepared=isa.get(9) + isa.get(10),
            test=isa.get(15).upper() == "T",
            name=start.get(1),
            segments=tuple(body[1:-1] if not problem else body[1:]),
            problem=problem,
        )

    def _message(self, raw: Sequence[str], own: str, reference: str) -> Cut:
        isa = self._isa[1]
        return Cut(
            content="".join(raw).encode(self._charset),
            source_id=_short(f"{own}/{reference}"),
            sequence=(isa.get(6), isa.get(13)),
        )


def _segments(text: str, syntax: Syntax) -> Iterator[tuple[str, Segment]]:
    """Each segment with its own characters, the end among them. A last one without its end is left out."""
    release, end = re.escape(syntax.release), re.escape(syntax.end)
    plain = f"[^{release}{end}]|{release}." if release else f"[^{end}]"
    one = re.compile(f"(?:{plain})*+{end}", re.DOTALL)
    position = 0
    while found := one.match(text, position):
        position = found.end()
        raw = found[0]
        bare = raw[:-1].strip("\r\n\t \x00")
        if bare:
            parts = [
                tuple(_split(each, syntax.component, syntax.release))
                for each in _split(bare, syntax.element, syntax.release, keep=True)
            ]
            yield raw, Segment(parts[0][0].upper() if parts[0] else "", tuple(parts[1:]))


def _split(text: str, by: str, release: str, *, keep: bool = False) -> list[str]:
    """The parts between separators that are not released. keep: the release characters stay, for the next cut."""
    if not release or release not in text:
        return text.split(by)
    parts, current, position = [], "", 0
    while position < len(text):
        letter = text[position]
        if letter == release and position + 1 < len(text):
            current += text[position : position + 2] if keep else text[position + 1]
            position += 2
            continue
        if letter == by:
            parts.append(current)
            current = ""
        else:
            current += letter
        position += 1
    return [*parts, current]


def _equal(written: str, counted: int) -> bool:
    return written.isdecimal() and len(written) < 12 and int(written) == counted


def _short(source_id: str) -> str:
    return source_id[:_LONGEST_ID]
