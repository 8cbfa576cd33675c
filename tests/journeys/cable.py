"""A network cable between two ends on this machine, which can be pulled in both ways that a real one can."""

import socket
import threading
from contextlib import suppress
from typing import Literal


class Cable:
    """Takes connections at `port` and carries them to the port `to`.

    `cut` breaks what is connected and lets nobody connect. `hung` closes nothing: whoever is connected, and whoever
    connects, hears nothing more. What hung is broken once it is `plugged` in again, for what it carried is lost.
    """

    def __init__(self, to: int) -> None:
        self.to = to
        self.state: Literal["plugged", "cut", "hung"] = "plugged"
        self._ends: set[socket.socket] = set()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self.state = "cut"
        self._break()

    def hang(self) -> None:
        self.state = "hung"

    def plug(self) -> None:
        self._break()
        self.state = "plugged"

    def close(self) -> None:
        self._door.close()
        self._break()

    def _break(self) -> None:
        for end in list(self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near = self._door.accept()[0]
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near:
            if self.state == "cut":
                return
            self._ends.add(near)
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.to)) as far:
                self._ends.add(far)
                back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
                back.start()
                self._pump(near, far)
                back.join()
                self._ends.discard(far)
            self._ends.discard(near)

    def _pump(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while data := here.recv(65536):
                if self.state == "plugged":
                    there.sendall(data)
        for end in (here, there):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
