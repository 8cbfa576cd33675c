"""A real Tryton from PyPI on SQLite: made once, copied for each test, served and driven by its own interface."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.live.installing import free_port, listens, python_of, started

from .scenario import Plant, Tryton, set_up

SERIES = "~=8.2.0"
MODULES = (
    "production", "production_work", "production_routing", "stock_lot", "stock_supply", "sale", "sale_opportunity",
    "sale_complaint", "purchase", "purchase_request", "quality",
)  # fmt: skip
LATER = "stock_lot_sled"  # installed from the start, activated by one test
PASSWORD = "a-long-enough-one"


@dataclass
class Installation:
    """One database below a folder. python: of the environment that Tryton is installed in."""

    folder: Path
    python: Path

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def admin(self, *arguments: str) -> None:
        """Tryton's own administration, which makes and updates databases."""
        command = [str(self.python.with_name("trytond-admin")), "-c", self._configured(0), "-d", "plant", *arguments]
        passwords = {**os.environ, "TRYTONPASSFILE": str(self.folder / "password")}
        subprocess.run(command, check=True, env=passwords, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @contextmanager
    def served(self) -> Iterator["Installation"]:
        """The database is served; in the end its files can be copied."""
        self.port = free_port()
        command = [str(self.python.with_name("trytond")), "-c", self._configured(self.port), "-d", "plant"]
        with started(command, log=self.folder / "log", ready=lambda: listens(self.port)):
            yield self

    def signed_in(self) -> Tryton:
        tryton = Tryton(self.url, "plant", "admin", PASSWORD)
        tryton.context = {"company": 1}
        return tryton

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def files(self) -> list[Path]:
        """The database with what is not yet written into it: without that, rows are lost or come back."""
        return sorted(self.folder.glob("plant.sqlite*"))

    def copied(self, folder: Path) -> "Installation":
        folder.mkdir(exist_ok=True)
        for each in [*self.files(), self.folder / "password"]:
            shutil.copy(each, folder)
        return Installation(folder, self.python)

    def _configured(self, port: int) -> str:
        path = self.folder / "trytond.conf"
        path.write_text(f"[database]\nuri = sqlite://\npath = {self.folder}\n[web]\nlisten = localhost:{port}\n")
        return str(path)


def installed() -> tuple[Installation, Plant]:
    """A database with a company that is set up, and nothing that happened. Made once, beside what is installed."""
    python = python_of("tryton", [f"trytond{SERIES}", *(f"trytond_{each}{SERIES}" for each in (*MODULES, LATER))])
    folder = python.parents[1] / "made"
    if (folder / "plant.json").is_file():
        return Installation(folder, python), Plant(**json.loads((folder / "plant.json").read_text()))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "plant.sqlite").touch()
    (folder / "password").write_text(PASSWORD)
    made = Installation(folder, python)
    made.admin("--all", "--email", "admin@example.com")
    # The e-mail only once: given again, it takes the administrator's rights from the user.
    made.admin("-u", *MODULES, "--activate-dependencies")
    with made.served():
        tryton = made.signed_in()
        tryton.context = {}
        plant = set_up(tryton)
        tryton.close()
    (folder / "plant.json").write_text(json.dumps(asdict(plant)))
    return made, plant


def key_of(tryton: Tryton, user: int) -> str:
    """An application key of the user."""
    application = tryton.create("res.user.application", user=user, application="rest")
    return str(tryton.read("res.user.application", application, "key"))
