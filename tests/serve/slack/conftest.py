"""An installation that a Slack of our own reaches, over real HTTP or a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from lineside.app import Lineside, open_lineside
from lineside.plant.records import Decision, Note
from lineside.serve.slack import face as slack_face
from lineside.serve.slack.surface import PATH, SCOPES
from lineside.serve.web import build
from lineside.simulator.slack import SlackWorkspace

ADA, OTTO, QUEENIE, FERN, STRANGER = "U0ADA0000", "U0OTTO000", "U0QUEEN00", "U0FERN000", "U0NOBODY0"
LINE, AWAY = "C0LINE700", "C0AWAY000"
PLANT = f"""
site = "brunnthal"
name = "Molkerei Brunnthal"
time_zone = "Europe/Berlin"

[[equipment]]
id = "brunnthal/abfuellung/linie-7"
name = "Linie 7"

[[shifts]]
name = "früh"
start = "06:00"
end = "14:00"

[[shifts]]
name = "spät"
start = "14:00"
end = "22:00"

[[shifts]]
name = "nacht"
start = "22:00"
end = "06:00"

[[people]]
id = "planer-3"
name = "Ada Planer"
roles = ["planner"]
sites = ["brunnthal"]
slack = "{ADA}"

[[people]]
id = "leiter-1"
name = "Otto Obermann"
roles = ["shift lead"]
sites = ["brunnthal"]
slack = "{OTTO}"

[[people]]
id = "qs-1"
name = "Queenie Qualität"
roles = ["quality"]
sites = ["brunnthal"]
slack = "{QUEENIE}"

[[people]]
id = "fern-1"
name = "Fern Abwesend"
sites = ["anderswo"]
slack = "{FERN}"

[[sources]]
name = "vertraulich"
readers = ["hr"]
"""


@dataclass
class Served:
    """An installation and the Slack that reaches it. waited: what Slack asked it to wait, in seconds."""

    lineside: Lineside
    works: SlackWorkspace
    waited: list[float] = field(default_factory=list)

    def notes(self) -> list[Note]:
        return [each for each in self.lineside.memory.view().notes() if each.channel == "slack"]

    def decisions(self) -> list[Decision]:
        return list(self.lineside.memory.view().decisions())

    def told(self, user: str) -> list[str]:
        """What only this user was told, oldest first."""
        return [each.words for each in self.works.said if each.to == user]

    async def form(self, user: str, callback: str = "keep") -> dict[str, Any]:
        """The form of that name as soon as the user sees it."""
        return await self.works.until(
            lambda: (shown := self.works.form(user)) and shown.get("callback_id", "") == callback and shown,
            f"the form {callback} of {user}",
        )

    async def save(self, user: str, message: dict[str, Any], channel: str = LINE) -> dict[str, Any]:
        """The form for a message that the user saves."""
        reply = await self.works.choose_on_message(user, channel, message, "save_message")
        assert reply.status == 200
        return await self.form(user)


def words(view: dict[str, Any]) -> str:
    """All that a form says."""
    return "\n".join(_texts(view["blocks"]))


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for each in value.values() for text in _texts(each)]
    return [text for each in value for text in _texts(each)] if isinstance(value, list) else []


def values(view: dict[str, Any]) -> dict[str, str]:
    """What stands in a form's inputs."""
    found = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            chosen = (element.get("initial_option") or {}).get("value")
            found[block["block_id"]] = element.get("initial_value") or chosen or ""
    return found


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plant with an empty store: bringing its schema up to date takes longer than most of these tests."""
    found = tmp_path_factory.mktemp("empty")
    (found / "plant.toml").write_text(PLANT, encoding="utf-8")
    lineside = open_lineside(found)
    lineside.migrate()
    lineside.close()
    return found


@pytest.fixture
def home(tmp_path: Path, empty_home: Path) -> Path:
    shutil.copytree(empty_home, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
async def works() -> AsyncIterator[SlackWorkspace]:
    """A workspace in which the app has the scopes of its manifest, and no more."""
    found = SlackWorkspace(scopes=SCOPES)
    for user, name in ((ADA, "Ada Planer"), (OTTO, "Otto"), (FERN, "Fern"), (STRANGER, "Gast Fremd")):
        found.join(user, name)
    found.join(QUEENIE, "Queenie", locale="de-DE")
    found.open_channel(LINE, "linie-7")
    found.open_channel(AWAY, "anderes", invited=False)
    await found.start()
    yield found
    await found.stop()


def configure(home: Path, works: SlackWorkspace, **more: str) -> None:
    settings = {
        "mode": "http",
        "bot_token": works.bot_token,
        "app_token": works.app_token,
        "signing_secret": works.signing_secret,
        "channel": LINE,
        "api_url": f"{works.url}/api/",
        "url": "https://lineside.example",
        **more,
    }
    lines = [f'{name} = "{value}"' for name, value in settings.items()]
    source = (
        '[[sources]]\nname = "chat"\nconnector = "slack_channels"\n[sources.options]\ntoken = "x"\nchannels = ["C1"]\n'
    )
    source += source.replace('"chat"', '"vertraulich"')
    (home / "lineside.toml").write_text("\n".join(["[slack]", *lines, "", source]), encoding="utf-8")


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):
        yield


@contextlib.asynccontextmanager
async def serving(
    home: Path, works: SlackWorkspace, patch: pytest.MonkeyPatch, **more: Any
) -> AsyncIterator[Served]:  # fmt: skip
    """The installation, called by the workspace over HTTP."""
    lineside = open_lineside(home)
    found = Served(lineside, works)
    patch.setattr(slack_face, "build", _built(found, **more))
    door = socket.create_server(("127.0.0.1", 0))
    server = _Server(uvicorn.Config(build(lineside), log_config=None, timeout_graceful_shutdown=1))
    running = asyncio.create_task(server.serve(sockets=[door]))
    works.target = f"http://127.0.0.1:{door.getsockname()[1]}{PATH}"
    try:
        yield found
    finally:
        server.should_exit = True
        await running
        door.close()
        patch.undo()
        lineside.close()


def _built(served: Served, **more: Any) -> Callable[..., Any]:
    real = slack_face.build

    async def pause(seconds: float) -> None:
        served.waited.append(seconds)

    return lambda lineside: real(lineside, pause=pause, **more)


@pytest.fixture
async def served(home: Path, works: SlackWorkspace) -> AsyncIterator[Served]:
    configure(home, works)
    with pytest.MonkeyPatch.context() as patch:
        async with serving(home, works, patch) as found:
            yield found


@pytest.fixture
async def connected(home: Path, works: SlackWorkspace) -> AsyncIterator[Served]:
    """The installation, connected to the workspace by Socket Mode."""
    configure(home, works, mode="socket")
    lineside = open_lineside(home)
    found = Served(lineside, works)
    face = _built(found)(lineside)
    listening = asyncio.create_task(face.listen())
    await works.until(lambda: works.sockets, "the connection")
    yield found
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening
    lineside.close()
