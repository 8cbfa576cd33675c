"""Sources tried before anything relies on them: those of the installation, or of a draft that nobody has saved yet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from lineside import connector
from lineside.app import Lineside
from lineside.connector import Check
from lineside.errors import BadRequest, LinesideError, SetupError, SourceRefused
from lineside.memory.apart import Apart
from lineside.memory.feed_state import FeedState
from lineside.memory.feeds import REFUSED_US, feeds_of, resume_source
from lineside.serve.redacting import without_secrets
from lineside.settings import written_options

WITHIN_S = 30.0


def check_all(
    lineside: Lineside, names: Sequence[str] = (), *, draft: str | None = None, within_s: float = WITHIN_S
) -> list[Check]:
    """What trying each source showed, all of them if none is named, with no secret in it. Nothing is changed there.

    One that we left alone since it refused us, or whose connector broke, is read again once all is well; one that a
    person paused stays so. draft: the text of the configuration where it is not the saved one; then nothing is changed
    here either. Raises BadRequest for a source that the configuration does not name.
    """
    configured = [source.name for source in lineside.settings.sources]
    if unknown := sorted(set(names) - set(configured)):
        where = "lineside.toml" if draft is None else "the draft"
        there = ", ".join(configured) or "none"
        raise BadRequest(f"not configured in {where}: {', '.join(unknown)}; there are: {there}")
    wanted = [name for name in configured if not names or name in names]
    tried = asyncio.run(_all(lineside, wanted, within_s))
    found = []
    for name, checks in zip(wanted, tried, strict=True):
        if draft is None and all(check.ok for check in checks):
            _resume(lineside, name)
        found += [_told(lineside, name, check, draft) for check in checks]
    return found


async def _all(lineside: Lineside, names: Sequence[str], within_s: float) -> list[Sequence[Check]]:
    return await asyncio.gather(*(_one(lineside, name, within_s) for name in names))


async def _one(lineside: Lineside, name: str, within_s: float) -> Sequence[Check]:
    """On a thread of its own: a driver that blocks keeps no other source from its answer."""
    try:
        made = lineside.connector(name)[0]
    except SetupError as error:
        return [Check(name="configuration", ok=False, detail=error.message, fix="mend it and check again")]
    apart = Apart(f"check {name}")

    async def tried() -> Sequence[Check]:
        return await made.check()

    try:
        async with asyncio.timeout(within_s):
            return await apart.run(tried)
    except TimeoutError:
        late = f"no answer within {within_s:g} s"
        return [Check(name="answer", ok=False, detail=late, fix="is its address right, and does a firewall let us in?")]
    except SourceRefused as error:
        return [Check(name="rights", ok=False, detail=error.message, fix="ask its owner for the right to read it")]
    except LinesideError as error:
        return [Check(name="answer", ok=False, detail=error.message, fix="mend that and check again")]
    finally:
        await apart.close()


def _resume(lineside: Lineside, name: str) -> None:
    feed = feeds_of(lineside.memory).get(name)
    if feed and (feed.paused_by == REFUSED_US or feed.state is FeedState.FAILED):
        resume_source(lineside.memory, name)


def _told(lineside: Lineside, name: str, check: Check, draft: str | None) -> Check:
    source = next(each for each in lineside.settings.sources if each.name == name)
    own = connector.installed()[source.connector].secrets if source.connector in connector.installed() else ()
    written = written_options(lineside.home, name, draft)

    def clean(text: str) -> str:
        return str(without_secrets(text, written=written, resolved=source.options, own=own))

    return replace(check, name=f"{name}: {check.name}", detail=clean(check.detail), fix=clean(check.fix))
