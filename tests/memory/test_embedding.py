"""The shipped model says what the official weights say, and is refused where its files were touched."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lineside.errors import SetupError
from lineside.memory.embedder import SHIPPED, Embedder

REFERENCE = json.loads(Path(__file__).with_name("reference_vectors.json").read_text(encoding="utf-8"))


def test_the_int8_graph_agrees_with_the_full_precision_weights_and_keeps_their_ranking():
    expected = np.array(list(REFERENCE.values()))
    found = Embedder().embed(list(REFERENCE))

    assert (found * expected).sum(axis=1).min() > 0.98
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    for mine, theirs in zip(found @ found.T, expected @ expected.T, strict=True):
        assert np.abs(mine - theirs).max() < 0.05


def test_a_texts_vector_does_not_depend_on_its_neighbours_in_the_batch():
    embedder, texts = Embedder(), [*REFERENCE, "stop", "a much longer sentence " * 20]
    together = embedder.embed(texts)
    alone = np.concatenate([embedder.embed([text]) for text in texts])

    assert np.array_equal(together, alone)


def test_no_texts_have_no_vectors():
    assert len(Embedder().embed([])) == 0


def test_a_model_folder_with_touched_or_missing_files_is_refused(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(SHIPPED, folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(SetupError, match=r"tokenizer\.json is not the file it should be"):
        Embedder(folder).embed(["a"])
    (folder / "tokenizer.json").unlink()
    with pytest.raises(SetupError, match=r"lacks tokenizer\.json"):
        Embedder(folder).embed(["a"])
    with pytest.raises(SetupError, match="lacks"):
        Embedder(tmp_path / "nowhere").embed(["a"])


def test_the_provenance_names_the_hashes_of_the_shipped_files():
    told = (SHIPPED / "PROVENANCE.md").read_text(encoding="utf-8")
    for line in (SHIPPED / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        assert line.split()[0] in told


def test_the_memory_is_imported_without_its_heavy_libraries():
    heavy = "{'chromadb', 'onnxruntime', 'tokenizers', 'numpy', 'alembic'}"
    code = f"import sys, lineside.memory; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
