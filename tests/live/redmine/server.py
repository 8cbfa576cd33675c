"""A real Redmine as Debian packages it: its database copied, set up by its own runner, served, driven by REST."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.live.installing import free_port, lacking, listens, program, started

HOME = Path("/usr/share/redmine")
EMPTY = Path("/var/lib/dbconfig-common/sqlite3/redmine/instances/default/redmine_default")
MAINTENANCE, EIGHT_D, SUPPORT = 1, 2, 3
NEW, IN_PROGRESS, CLOSED = 1, 2, 5
NORMAL, URGENT = 2, 4


@dataclass
class Redmine:
    """One database below a folder, and its administrator's key."""

    folder: Path
    port: int = 0
    key: str = ""
    _running: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.folder / "redmine.sqlite3"

    def set_up(self) -> None:
        """The database is there, as an administrator has made it ready."""
        if not (HOME.is_dir() and os.access(EMPTY, os.R_OK)):
            lacking("Redmine is not installed: apt-get install redmine redmine-sqlite puma")
        shutil.copy(EMPTY, self.database)
        key = self.folder / "key"
        seed = [str(HOME / "bin/rails"), "runner", str(Path(__file__).with_name("seed.rb"))]
        subprocess.run(seed, check=True, cwd=HOME, env={**self._environment(), "KEY_FILE": str(key)})
        self.key = key.read_text()

    @contextmanager
    def served(self) -> Iterator["Redmine"]:
        self.port = free_port()
        with self._running:
            self.start()
            yield self

    def start(self) -> None:
        command = [program("puma", "puma"), "-e", "production", "-t", "2:4", "-b", f"tcp://127.0.0.1:{self.port}"]
        served = started(
            [*command, "config.ru"], log=self.folder / "log", ready=lambda: listens(self.port), cwd=HOME,
            env=self._environment(),
        )  # fmt: skip
        self._running.enter_context(served)

    def stop(self) -> None:
        self._running.close()

    def asked(self, method: str, path: str, json: Any = None, *, key: str = "", content: bytes | None = None) -> Any:
        """What Redmine answers its administrator, or who has the key."""
        headers = {"X-Redmine-API-Key": key or self.key}
        if content is not None:
            headers["Content-Type"] = "application/octet-stream"
        answer = httpx.request(method, f"{self.url}/{path}", json=json, content=content, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def make_project(self, name: str, *, public: bool = False) -> int:
        wanted = {"name": name.title(), "identifier": name, "is_public": public}
        return int(self.asked("POST", "projects.json", {"project": wanted})["project"]["id"])

    def make_user(self, login: str, *, role: str, projects: list[str]) -> tuple[int, str]:
        """(the user's id, its key), a member of the projects."""
        person = {"login": login, "firstname": login.title(), "lastname": "Fitter", "mail": f"{login}@example.org"}
        made = self.asked("POST", "users.json", {"user": {**person, "password": "long-enough-1"}})["user"]["id"]
        roles = {each["name"]: each["id"] for each in self.asked("GET", "roles.json")["roles"]}
        for project in projects:
            member = {"membership": {"user_id": made, "role_ids": [roles[role]]}}
            self.asked("POST", f"projects/{project}/memberships.json", member)
        return int(made), str(self.asked("GET", f"users/{made}.json")["user"]["api_key"])

    def open_ticket(self, project: str, subject: str, *, key: str = "", **more: Any) -> int:
        wanted = {"project_id": project, "subject": subject, "tracker_id": MAINTENANCE, **more}
        return int(self.asked("POST", "issues.json", {"issue": wanted}, key=key)["issue"]["id"])

    def change(self, ticket: int, *, key: str = "", **wanted: Any) -> None:
        self.asked("PUT", f"issues/{ticket}.json", {"issue": wanted}, key=key)

    def set_rest(self, *, on: bool) -> None:
        """The REST interface is on or off: what a page of the administration does, and no request may."""
        with closing(sqlite3.connect(self.database, timeout=30)) as database, database:
            set_to = "UPDATE settings SET value = ?, updated_on = datetime('now', 'localtime', '+1 day') WHERE name = ?"
            database.execute(set_to, ("1" if on else "0", "rest_api_enabled"))

    def custom_field(self, name: str) -> int:
        found = self.asked("GET", "custom_fields.json")["custom_fields"]
        return next(int(each["id"]) for each in found if each["name"] == name)

    def _environment(self) -> dict[str, str]:
        own = {"DATABASE_URL": f"sqlite3:{self.database}", "RAILS_ENV": "production"}
        return {**{name: value for name, value in os.environ.items() if name != "CI"}, **own}


def copy_database(origin: Path, target: Path) -> None:
    """The target is as the origin, also while Redmine runs on either: as a backup is made, and put back."""
    with closing(sqlite3.connect(origin, timeout=30)) as old, closing(sqlite3.connect(target, timeout=30)) as new:
        old.backup(new)
