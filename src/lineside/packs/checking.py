"""Everything that is wrong with a pack, not only the first of it: each with its file, its key and what is allowed."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lineside.errors import BadSettings
from lineside.interpretation.pack_files import ground_of, layer_of, over, under
from lineside.interpretation.pack_merging import switched
from lineside.packs.contents import FILES
from lineside.packs.manifest import FILE as MANIFEST
from lineside.packs.manifest import order
from lineside.packs.opening import BESIDE, OpenedPack
from lineside.plant.packs import PackLayer, Packs

_MOST = 50  # of one file: by then it is another format


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """key: empty where the whole file is meant. why: what is wrong and, where that is a list, what is allowed."""

    file: str
    key: str
    why: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key} {self.why}" if self.key else f"{self.file}: {self.why}"


def faults(pack: OpenedPack, below: Packs) -> list[Fault]:
    """What is wrong with the pack, laid over those below it; nothing where it can be installed."""
    from lineside import __version__

    found, layer = [], pack.layer
    needs = pack.manifest.lineside
    if needs and order(needs) > order(__version__):
        why = f"asks for Lineside {needs}, and this is {__version__}"
        found.append(Fault(file=f"{layer.name}/{MANIFEST}", key="lineside", why=why))
    for name in layer.files:
        if name not in FILES:
            allowed = ", ".join(sorted((MANIFEST, *FILES, *BESIDE)))
            found.append(Fault(file=f"{layer.name}/{name}", key="", why=f"is no file of a pack; allowed: {allowed}"))
    sound = replace(layer, files={})
    for file in FILES:
        if file in layer.files:
            wrong = list(_of_file(file, layer, sound, below))
            found += wrong
            if not wrong:
                sound = replace(sound, files={**sound.files, file: layer.files[file]})
    return found


def _of_file(file: str, layer: PackLayer, sound: PackLayer, below: Packs) -> Iterator[Fault]:
    """What is wrong is told and taken out, and the rest read again, until nothing is or nothing can be taken out."""
    told: list[str] = []
    try:
        where, given = layer_of(file, layer)
    except BadSettings as error:
        yield Fault(file=f"{layer.name}/{file}", key="", why=_why(error))
        return
    own = copy.deepcopy(dict(given))
    with under(Packs(layers=(*below.layers, sound))):
        ground = stacked(file, below)
        for _ in range(_MOST):
            try:
                FILES[file](where, switched(over(file, where, ground, own)))
            except BadSettings as error:
                each = error.fields.get("faults") or ((str(error.fields.get("key", "")), _why(error)),)
                pairs = [(str(key), str(why)) for key, why in each] if isinstance(each, tuple) else []
                for key, why in pairs:
                    if not any(_related(key, other) for other in told):
                        yield Fault(file=where, key=key, why=why)
                told += [key for key, _ in pairs]
                cut = [_cut(own, key) for key, _ in pairs]
                if not all(cut):
                    return
            else:
                return


def stacked(file: str, packs: Packs) -> Mapping[str, Any]:
    """The file's content in all layers over one another, with the marks of what is switched off. Raises BadSettings."""
    _, content = ground_of(file)
    for layer in packs.layers:
        if file in layer.files:
            where, own = layer_of(file, layer)
            content = over(file, where, content, own)
    return content


def _cut(own: dict[str, Any], key: str) -> bool:
    """The deepest table entry on the way to the key is gone afterwards; whether there was one."""
    at: Any = own
    found: tuple[dict[str, Any], str] | None = None
    while isinstance(at, dict) and key:
        names = [name for name in at if key == name or key.startswith((f"{name}.", f"{name}["))]
        if not names:
            break
        name = max(names, key=len)
        found, key, at = (at, name), key[len(name) :].removeprefix("."), at[name]
    if found is None:
        return False
    del found[0][found[1]]
    return True


def _related(one: str, other: str) -> bool:
    return one == other or one.startswith((f"{other}.", f"{other}[")) or other.startswith((f"{one}.", f"{one}["))


def _why(error: BadSettings) -> str:
    why = error.fields.get("why")
    if why:
        return str(why)
    key = str(error.fields.get("key", ""))
    told = error.message.partition(": ")[2] or error.message
    return told.removeprefix(f"{key}:").removeprefix(key).strip() or error.message
