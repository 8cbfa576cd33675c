"""Texts to vectors, on this machine: an ONNX graph and its tokenizer from a folder, checked before they are used."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lineside.errors import SetupError

if TYPE_CHECKING:
    import numpy as np

    Vectors: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]

SHIPPED = Path(__file__).parent / "embedding"
LONGEST_TOKENS = 256
_BATCH = 32
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
        """One vector of length one for each text, in order: shape (texts, width)."""
        import numpy as np

        session, tokenizer = self._loaded
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))  # alike lengths pad little
        found: dict[int, Any] = {}
        for start in range(0, len(order), _BATCH):
            chunk = order[start : start + _BATCH]
            encoded = tokenizer.encode_batch([texts[index] for index in chunk])
            given = {
                "input_ids": np.array([each.ids for each in encoded], dtype=np.int64),
                "attention_mask": np.array([each.attention_mask for each in encoded], dtype=np.int64),
            }
            (vectors,) = session.run(None, given)
            found.update(zip(chunk, vectors, strict=True))
        return np.array([found[index] for index in range(len(texts))], dtype=np.float32)

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
        tokenizer.enable_padding()
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
