"""A folder on an SFTP server, read with a pinned host key."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from lineside.connector.folders import Folder, Look, Opens, Stamp, full, too_many
from lineside.connector.options import Options
from lineside.errors import MissingExtra, SourceRefused, SourceUnavailable

if TYPE_CHECKING:
    import asyncssh

_BLOCK = 1 << 18


def read_sftp(options: Options, address: str) -> Opens:
    """The folder at an address such as `sftp://user@host:22/inbound`. Raises BadSettings."""
    try:
        parts = urlsplit(address)
        port = parts.port or 22
    except ValueError as error:
        raise options.bad("path", "is no address; write sftp://user@host:22/folder") from error
    if not parts.hostname or not parts.username or parts.password or parts.query or parts.fragment:
        raise options.bad("path", "must be sftp://user@host:22/folder; the password has an option of its own")
    if ("password" in options) == ("key" in options):
        raise options.bad("password", "or key is needed, and one of them only")
    host_keys = options.texts("host_key")
    if not host_keys:
        raise options.bad("host_key", "is missing: the server's public key, as ssh-keyscan prints it")
    host, user, timeout_s = parts.hostname, unquote(parts.username), options.number("timeout_s", 30.0, at_least=0.1)
    password = options.text("password") if "password" in options else None
    key = str(Path(options.text("key")).expanduser()) if "key" in options else None
    key_password = options.text("key_password") if "key_password" in options else None
    root = unquote(parts.path) or "."

    @asynccontextmanager
    async def opened() -> AsyncIterator[Folder]:
        ssh = _driver()
        try:
            asked: dict[str, Any] = {
                "known_hosts": ([ssh.import_public_key(_bare(each)) for each in host_keys], [], []),
                "client_keys": [ssh.read_private_key(key, key_password)] if key else None,
            }
        except (ssh.KeyImportError, OSError) as error:
            raise SourceRefused(f"a key can't be read: {error}") from error
        try:
            async with asyncio.timeout(timeout_s):
                connection = await ssh.connect(
                    host,
                    port,
                    username=user,
                    password=password,
                    **asked,
                    # One way to sign in, tried once: a second attempt with the same secret counts towards a lock-out.
                    preferred_auth="password" if password else "publickey",
                    agent_path=None,
                    config=None,
                    login_timeout=timeout_s,
                )
        except ssh.HostKeyNotVerifiable as error:
            raise SourceRefused(f"{host} shows another key than host_key: {error}") from error
        except ssh.PermissionDenied as error:
            raise SourceRefused(f"{host} refused {user}: {error}") from error
        except (ssh.Error, OSError, TimeoutError) as error:
            raise SourceUnavailable(f"{host}:{port} does not answer: {_said(error)}") from error
        async with connection:
            try:
                async with asyncio.timeout(timeout_s):
                    client = await connection.start_sftp_client(path_encoding=None)
            except (ssh.Error, OSError, TimeoutError) as error:
                raise SourceUnavailable(f"{host} offers no SFTP: {_said(error)}") from error
            yield _Remote(ssh, client, root.encode(), timeout_s)

    return opened


class _Remote:
    def __init__(self, ssh: Any, client: asyncssh.SFTPClient, root: bytes, timeout_s: float) -> None:
        self._ssh = ssh  # the driver, imported late
        self._client = client
        self._root = root
        self._timeout_s = timeout_s

    async def look(self, depth: int) -> Look:
        found = Look()
        try:
            await self._list(self._root, "", depth, found)
        except self._ssh.SFTPPermissionDenied as error:
            raise SourceRefused(f"{self._root.decode()} may not be read: {error}") from error
        except (self._ssh.Error, OSError, TimeoutError) as error:
            raise SourceUnavailable(f"{self._root.decode()} can't be read: {_said(error)}") from error
        return found

    async def read(self, name: str, most: int) -> bytes:
        content = bytearray()
        try:
            async with asyncio.timeout(self._timeout_s):
                file = await self._client.open(self._root + b"/" + name.encode(), "rb")
            try:
                while len(content) < most:
                    async with asyncio.timeout(self._timeout_s):
                        block = await file.read(min(_BLOCK, most - len(content)))
                    if not block:
                        break
                    content += block if isinstance(block, bytes) else block.encode()
            finally:
                async with asyncio.timeout(self._timeout_s):
                    await file.close()
        except self._ssh.SFTPNoSuchFile as error:
            raise FileNotFoundError(name) from error
        except self._ssh.SFTPPermissionDenied as error:
            raise PermissionError(13, str(error)) from error
        except (self._ssh.Error, OSError, TimeoutError) as error:
            raise SourceUnavailable(f"{name} can't be read: {_said(error)}") from error
        return bytes(content)

    async def _list(self, folder: bytes, below: str, depth: int, found: Look) -> None:
        entries = self._client.scandir(folder)
        while True:
            async with asyncio.timeout(self._timeout_s):
                entry = await anext(entries, None)
            if entry is None:
                return
            raw = entry.filename if isinstance(entry.filename, bytes) else entry.filename.encode()
            if raw in {b".", b".."}:
                continue
            if full(found):
                raise too_many(self._root.decode())
            mode, attributes = entry.attrs.permissions or 0, entry.attrs
            last = raw.decode(errors="backslashreplace")
            name = below + last
            if last.encode() != raw or not last.isprintable() or "/" in last:
                found.denied[ascii(name)] = "its name is no readable text"
            elif stat.S_ISLNK(mode):
                found.denied[name] = "it is a link, and links are not followed"
            elif stat.S_ISDIR(mode):
                if depth and not last.startswith("."):
                    await self._list_below(folder + b"/" + raw, name, depth, found)
            elif stat.S_ISREG(mode):
                changed_ns = (attributes.mtime or 0) * 1_000_000_000 + (attributes.mtime_ns or 0)
                found.files[name] = Stamp(attributes.size or 0, changed_ns)

    async def _list_below(self, folder: bytes, name: str, depth: int, found: Look) -> None:
        try:
            await self._list(folder, f"{name}/", depth - 1, found)
        except self._ssh.SFTPPermissionDenied as error:
            found.denied[name] = str(error)
        except self._ssh.SFTPNoSuchFile:
            return


def _driver() -> Any:  # a module
    try:
        import asyncssh
    except ImportError as error:
        raise MissingExtra("SFTP needs lineside[sftp]: pip install 'lineside[sftp]'", extra="sftp") from error
    return asyncssh


def _bare(host_key: str) -> str:
    """The key without the host that ssh-keyscan writes before it."""
    words = host_key.split()
    start = next((place for place, word in enumerate(words) if word.startswith(("ssh-", "ecdsa-", "sk-"))), 0)
    return " ".join(words[start : start + 2])


def _said(error: BaseException) -> str:
    return str(error) or "no answer in time" if isinstance(error, TimeoutError) else str(error)
