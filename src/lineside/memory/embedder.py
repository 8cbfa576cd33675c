"""Texts to vectors, on this machine: an ONNX graph and its tokenizer from a folder, checked before they are used."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lineside.errors import SetupError

if TYPE_CHECKING:
    import numpy as np

    Vectors: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]

SHIPPED = Path(__file__).parent / "embedding"
LONGEST_TOKENS = 256
THREADS = 2  # each runs the whole model on texts of its own; more would take the machine from those who ask
_FILES = ("model.onnx", "tokenizer.json")


class Embedder:
    """The model in `folder`; loaded at first use. Raises SetupError where its files are not as shipped."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or SHIPPED

    @cached_property
    def name(self) -> str:
        """What tells this model's vectors from another's."""
        return self._sums()["model.onnx"][:16]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One vector of length one for each text, in order: shape (texts, width).

        One text at a time: int8 takes its scale from all that runs together, so in a batch the same text would get
        another vector with other neighbours.
        """
        import numpy as np

        session, tokenizer = self._loaded
        vectors = np.empty((len(texts), self._width), dtype=np.float32)

        def place(index: int) -> None:
            encoded = tokenizer.encode(texts[index])
            given = {
                "input_ids": np.array([encoded.ids], dtype=np.int64),
                "attention_mask": np.array([encoded.attention_mask], dtype=np.int64),
            }
            vectors[index] = session.run(None, given)[0][0]

        if len(texts) == 1:
            place(0)
        else:
            with ThreadPoolExecutor(THREADS) as threads:
                for _ in threads.map(place, range(len(texts))):
                    pass
        return vectors

    @property
    def _width(self) -> int:
        session, _ = self._loaded
        width: int = session.get_outputs()[0].shape[1]
        return width

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:  # onnxruntime and tokenizers are not typed
        import onnxruntime
        from tokenizers import Tokenizer

        for name, expected in self._sums().items():
            found = hashlib.sha256((self.folder / name).read_bytes()).hexdigest()
            if found != expected:
                raise SetupError(f"{self.folder / name} is not the file it should be", found=found, expected=expected)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # Spinning threads halve the speed of everything else on a busy machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        session = onnxruntime.InferenceSession(
            str(self.folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
        tokenizer.enable_truncation(LONGEST_TOKENS)
        tokenizer.no_padding()
        return session, tokenizer

    def _sums(self) -> dict[str, str]:
        path = self.folder / "SHA256SUMS"
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise SetupError(f"the model folder lacks {path}: {error}", path=str(path)) from error
        sums = {name: digest for digest, name in (line.split() for line in lines if line.strip())}
        if missing := [name for name in _FILES if name not in sums or not (self.folder / name).is_file()]:
            raise SetupError(f"the model folder {self.folder} lacks {', '.join(missing)}", path=str(self.folder))
        return {name: sums[name] for name in _FILES}
