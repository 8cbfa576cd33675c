"""The vector index: a cache in Chroma that can be rebuilt from the passages at any time. It decides nothing.

It keeps its own position, so a kill between a commit and its embedding loses nothing; vectors are always our own, so
Chroma fetches no model; and no filter goes through Chroma: SQL picks the passages, here they are only measured.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from lineside.errors import IndexBehind
from lineside.memory import tables
from lineside.memory.database import Database, only_process
from lineside.memory.embedder import Embedder

if TYPE_CHECKING:
    from lineside.memory.embedder import Vectors

_BATCH = 256
_GET = 2000
_passages = tables.passages


class VectorIndex:
    """The vectors in `folder`. Every method raises IndexBehind where Chroma or its files are broken or missing."""

    def __init__(self, folder: Path, database: Database, embedder: Embedder) -> None:
        self.folder = folder
        self.embedder = embedder
        self._database = database

    def lag(self) -> int:
        """How many passages have no vector yet."""
        with self._database.read() as connection:
            waiting = select(func.count()).select_from(_passages).where(_passages.c.id > self._position())
            return connection.scalar(waiting) or 0

    def catch_up(self, *, most: int | None = None) -> int:
        """Every passage has a vector; how many are new. Idempotent; one process at a time does it.

        most: leave off after about that many, so that who waits for an end doesn't wait for all.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        done = 0
        with only_process(self.folder / ".writer"):
            if self._position() > self._last():  # the database is another than the one indexed
                self._try(self._client.delete_collection, self._collection.name)
            while (most is None or done < most) and (rows := self._waiting()):
                vectors = self.embedder.embed([f"{row.header}: {row.text}" for row in rows])
                self._put([row.id for row in rows], vectors)
                done += len(rows)
        return done

    def near(self, vector: Vectors, limit: int) -> list[int]:
        """About the `limit` nearest passages of all, nearest first."""
        count = self._try(self._collection.count)
        if not count:
            return []
        found = self._try(
            self._collection.query, query_embeddings=[vector.tolist()], n_results=min(limit, count), include=[]
        )
        return [int(each) for each in found["ids"][0]]

    def closeness(self, vector: Vectors, ids: Iterable[int]) -> dict[int, float]:
        """The exact cosine of each of the passages that has a vector."""
        wanted = [str(each) for each in ids]
        found: dict[int, float] = {}
        for start in range(0, len(wanted), _GET):
            got = self._try(self._collection.get, ids=wanted[start : start + _GET], include=["embeddings"])
            if got["ids"]:
                cosines = got["embeddings"] @ vector
                found.update(zip(map(int, got["ids"]), map(float, cosines), strict=True))
        return found

    def clear(self) -> None:
        """The index is empty, whatever state it was in; `catch_up` makes it again."""
        self.close()
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def close(self) -> None:
        """Chroma lets go of its files; the next use opens them again."""
        client = self.__dict__.pop("_client", None)
        self.__dict__.pop("_collection", None)
        if client is not None:
            client.close()

    def _waiting(self) -> Sequence[Any]:
        query = select(_passages.c.id, _passages.c.header, _passages.c.text)
        query = query.where(_passages.c.id > self._position()).order_by(_passages.c.id).limit(_BATCH)
        with self._database.read() as connection:
            return connection.execute(query).all()

    def _last(self) -> int:
        with self._database.read() as connection:
            return connection.scalar(select(func.max(_passages.c.id))) or 0

    def _position(self) -> int:
        """The last passage that has a vector. Read afresh: another process may have gone on."""
        if not self.folder.is_dir():
            return 0
        self.__dict__.pop("_collection", None)
        return int((self._collection.metadata or {}).get("position", 0))

    def _put(self, ids: Sequence[int], vectors: Vectors) -> None:
        self._try(self._collection.upsert, ids=[str(each) for each in ids], embeddings=vectors)
        self._try(self._collection.modify, metadata={"position": ids[-1]})

    @cached_property
    def _client(self) -> Any:  # chromadb is not typed well enough
        try:
            import chromadb
            from chromadb.config import Settings
        except ImportError as error:
            raise IndexBehind(f"chromadb can't be imported: {error}") from error
        from chromadb.api.shared_system_client import SharedSystemClient

        self.folder.mkdir(parents=True, exist_ok=True)
        path, settings = str(self.folder), Settings(anonymized_telemetry=False)
        try:
            return self._try(chromadb.PersistentClient, path=path, settings=settings)
        except IndexBehind:
            # Chroma keeps what it could not start, and would hand it out again for a mended folder.
            SharedSystemClient._identifier_to_system.pop(path, None)  # noqa: SLF001
            raise

    @cached_property
    def _collection(self) -> Any:
        # A collection per model: vectors of two models can't be compared.
        return self._try(
            self._client.get_or_create_collection,
            f"passages-{self.embedder.name}",
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine"}},
        )

    @staticmethod
    def _try(call: Any, *args: Any, **given: Any) -> Any:
        from chromadb.errors import ChromaError

        try:
            return call(*args, **given)
        except (ChromaError, OSError, ValueError, RuntimeError) as error:  # its core uses all of these
            raise IndexBehind(f"the vector index can't be used: {error}") from error
