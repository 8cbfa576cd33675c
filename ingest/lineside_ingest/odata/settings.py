"""The settings of a collection, read with complaints that name the option."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lineside.connector import Options
from lineside.connector.http import HTTP_OPTIONS
from lineside.connector.rows import NOTATION_OPTIONS, RowStream, read_stream
from lineside.plant.row_values import Notation
from lineside_ingest.odata.query import CHANGED_TYPES, PROTOCOLS, Collection

OPTIONS = frozenset({
    "preset", "use", "protocol", "error_field", "params", "epoch_path", "epoch_field", "collections", *HTTP_OPTIONS,
    *NOTATION_OPTIONS,
})  # fmt: skip
COLLECTION_OPTIONS = frozenset({
    "path", "name", "protocol", "key", "sparse_key", "changed_field", "changed_type", "changed_zone", "overlap_s",
    "page_size", "params", "select", "expand", "each", "delta", "listed", "metadata", "immutable", "fixed", "rows",
    "since_param", "since_form", "select_param", "select_form", "offset_param", "limit_param", "ordered", "one",
    "one_at", "whole", "gone", "mapping",
})  # fmt: skip


def read_collection(
    options: Options, *, source: str, protocol: str, notation: Notation, params: Mapping[str, str]
) -> Collection:
    """The collection that the options describe. params: those of the whole source. Raises BadSettings."""
    path = options.text("path").lstrip("/")
    protocol = options.text("protocol", protocol, choices=PROTOCOLS)
    rest = protocol == "rest"
    gone = options.table("gone")
    stream = _stream(options, source=source, name=options.text("name", path), notation=notation, fixed=not rest)
    changed_fields = options.texts("changed_field") if options.raw("changed_field") else ()
    since_param, one = options.text("since_param", ""), options.text("one", "")
    if since_param and not changed_fields:
        raise options.bad("since_param", "needs changed_field, whose value it takes")
    whole, each = options.flag("whole"), options.text("each", "")
    if each and (options.flag("listed") or options.flag("delta")):
        raise options.bad("each", "and listed or delta don't go together: only outer rows are listed")
    if whole and not (one and changed_fields):
        raise options.bad("whole", "needs one, where the whole thing stands, and changed_field")
    service = path.rpartition("/")[0]
    return Collection(
        stream=stream,
        protocol=protocol,
        path=path,
        notation=replace(notation, time_zone=_zone(options)) if "changed_zone" in options else notation,
        changed_fields=changed_fields,
        changed_type=options.text("changed_type", "", choices=("", *CHANGED_TYPES)),
        overlap_s=options.number("overlap_s", 300.0),
        page_size=int(options.number("page_size", 500, at_least=1)),
        params={**params, **{str(name): str(value) for name, value in options.table("params").items()}},
        select=options.flag("select"),
        expand=options.texts("expand"),
        each=each,
        delta=options.flag("delta"),
        listed=options.flag("listed", default=not (rest or stream.immutable or gone or each)),
        metadata=options.text("metadata", "" if rest else f"{service}/$metadata".lstrip("/")),
        rows=options.text("rows", ""),
        since_param=since_param,
        since_form=options.text("since_form", "{since}"),
        select_param=options.text("select_param", ""),
        select_form=options.text("select_form", "commas", choices=("commas", "json")),
        offset_param=options.text("offset_param", ""),
        limit_param=options.text("limit_param", ""),
        ordered=options.flag("ordered"),
        one=one,
        one_at=options.text("one_at", ""),
        whole=whole,
        gone_stream=str(gone.get("stream", "")),
        gone_key=str(gone.get("key", "")),
    )


def _stream(options: Options, *, source: str, name: str, notation: Notation, fixed: bool) -> RowStream:
    fixed = options.flag("fixed", default=fixed)
    if "gone" in options:  # its rows make no records: they say what other collections no longer have
        if options.table("gone").keys() != {"stream", "key"}:
            raise options.bad("gone", "must name two fields: { stream = ..., key = ... }")
        return RowStream(
            source=source, name=name, key=options.texts("key"), mappings=(), notation=notation, fixed=fixed
        )
    stream = read_stream(options, source=source, name=name, mapping=options.raw("mapping"), notation=notation)
    return replace(stream, fixed=fixed, sparse_key=options.flag("sparse_key"))


def _zone(options: Options) -> ZoneInfo:
    try:
        return ZoneInfo(options.text("changed_zone"))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise options.bad("changed_zone", "is no time zone; write it as UTC or Europe/Berlin") from error
