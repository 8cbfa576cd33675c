"""XML of strangers, read with bounds: no document type, no entities, no depth without end. Pure."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from xml.parsers import expat

from lineside.errors import UnreadableMessage

_DEEPEST = 100
_MOST = 200_000  # elements of one thing, or of a head
_BLOCK = 1 << 16

Element = ET.Element


class Reader:
    """Builds the tree of a document and calls `ended` with the open elements, outermost first, at each end.

    ended: whether it took the innermost one out of the tree.
    """

    def __init__(self, ended: Callable[[list[Element]], bool]) -> None:
        self._ended = ended
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._held = 0
        self.root: Element | None = None
        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        # Entities can only be declared in a document type: without one there is nothing to expand or to fetch.
        parser.StartDoctypeDeclHandler = _refuse
        self._parser = parser

    def feed(self, content: bytes) -> Iterator[None]:
        """Reads on, a block at a time. Raises UnreadableMessage where the document is broken."""
        try:
            for start in range(0, len(content), _BLOCK):
                self._parser.Parse(content[start : start + _BLOCK], False)
                yield
            self._parser.Parse(b"", True)
        except (expat.ExpatError, UnicodeError, LookupError) as error:
            raise UnreadableMessage(f"the XML is broken: {error}") from error
        yield

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= _DEEPEST:
            raise UnreadableMessage(f"elements stand more than {_DEEPEST} deep in one another")
        self._held += 1
        if self._held > _MOST:
            raise UnreadableMessage(f"one thing, or the head, has more than {_MOST} elements")
        element = Element(_named(tag), {_named(name): value for name, value in attributes.items()})
        if self._open:
            self._open[-1].append(element)
        else:
            self.root = element
        self._open.append(element)
        self._texts.append([])

    def _end(self, _: str) -> None:
        self._open[-1].text = "".join(self._texts.pop())
        if self._ended(self._open):
            self._held = len(self._open)
        self._open.pop()

    def _text(self, text: str) -> None:
        if not len(self._open[-1]):
            self._texts[-1].append(text)


def read_tree(content: bytes) -> Element:
    """The document's root. Raises UnreadableMessage."""
    reader = Reader(lambda _: False)
    for _ in reader.feed(content):
        pass
    if reader.root is None:
        raise UnreadableMessage("the XML holds nothing")
    return reader.root


def written(element: Element) -> bytes:
    """The element as a document of its own."""
    content: bytes = ET.tostring(element, encoding="utf-8", xml_declaration=False)
    return content


def local(element: Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def namespace(element: Element) -> str:
    """The element's namespace; empty where it has none."""
    return element.tag[1:].partition("}")[0] if element.tag.startswith("{") else ""


def children(element: Element, *names: str) -> list[Element]:
    """The children of these names, in order."""
    return [each for each in element if local(each) in names]


def child(element: Element | None, *path: str) -> Element | None:
    """The first element down this path."""
    for name in path:
        if element is None:
            return None
        element = next((each for each in element if local(each) == name), None)
    return element


def text(element: Element | None, *path: str) -> str:
    """The text down this path; empty where there is none."""
    found = child(element, *path)
    return "" if found is None else (found.text or "").strip()


def first(element: Element | None, *names: str) -> str:
    """The text of the first of these children that has one."""
    return next((said for name in names if (said := text(element, name))), "")


def _named(name: str) -> str:
    return "{" + name if "}" in name else name


def _refuse(*_: object) -> None:
    raise UnreadableMessage("the XML declares a document type, which is not read")
