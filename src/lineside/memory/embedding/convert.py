"""Writes the shipped int8 ONNX graph from the official weights of all-MiniLM-L6-v2. Run by hand, never at runtime.

    pip install onnx onnxruntime numpy tokenizers
    python convert.py FOLDER_WITH_SAFETENSORS OUT_FOLDER [--references FILE]

The graph takes token ids and their mask and gives one normalised vector for each text: BERT's six layers, the mean
over the unmasked tokens, length one. The weights' hashes are checked first; the result is held against a forward pass
in plain numpy, and refused where the two differ.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx  # type: ignore[import-not-found,unused-ignore]
import onnxruntime
from onnx import TensorProto, helper, numpy_helper  # type: ignore[import-not-found,unused-ignore]
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
LAYERS, HEADS, WIDTH, EPSILON, LONGEST = 6, 12, 384, 1e-12, 256
SENTENCES = (
    "Filler 3 stopped: the infeed conveyor jammed twice before the shift ended.",
    "The labeller was down because of a blocked belt at the entry.",
    "Hold lot L-77 until the certificate of analysis arrives.",
    "Customer accepts a partial delivery of 85 percent on Friday.",
    "Die Etikettiermaschine wurde wegen eines Staus am Einlauf angehalten.",
    "Where is the canteen?",
)

Weights = dict[str, "np.ndarray[Any, Any]"]


def main(source: Path, target: Path, references: Path | None) -> None:
    weights = read_weights(source)
    full, small = target / "model-fp32.onnx", target / "model.onnx"
    onnx.save(graph(weights), full)
    quantize_dynamic(full, small, weight_type=QuantType.QInt8, per_channel=True)
    full.unlink()
    tokenizer = (source / "tokenizer.json").read_bytes()
    _check(tokenizer, TOKENIZER_SHA256, "tokenizer.json")
    (target / "tokenizer.json").write_bytes(tokenizer)
    ids, mask = tokens(target / "tokenizer.json", SENTENCES)
    expected = forward(weights, ids, mask)
    session = onnxruntime.InferenceSession(small, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
    closeness = (expected * found).sum(axis=1)
    print("cosine to the full-precision pass:", closeness.round(4))  # noqa: T201
    if closeness.min() < 0.98:
        raise SystemExit("the int8 graph strays too far from the weights")
    for name in ("model.onnx", "tokenizer.json"):
        print(hashlib.sha256((target / name).read_bytes()).hexdigest(), name)  # noqa: T201
    if references:
        pairs = dict(zip(SENTENCES, expected.round(5).tolist(), strict=True))
        references.write_text(json.dumps(pairs, ensure_ascii=False), encoding="utf-8")


def read_weights(folder: Path) -> Weights:
    content = (folder / "model.safetensors").read_bytes()
    _check(content, WEIGHTS_SHA256, "model.safetensors")
    (size,) = struct.unpack_from("<Q", content)
    entries = json.loads(content[8 : 8 + size])
    weights = {}
    for name, entry in entries.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        start, end = (8 + size + offset for offset in entry["data_offsets"])
        weights[name] = np.frombuffer(content[start:end], dtype="<f4").reshape(entry["shape"])
    return weights


def tokens(path: Path, texts: tuple[str, ...]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(LONGEST)
    tokenizer.enable_padding()
    encoded = tokenizer.encode_batch(list(texts))
    ids = np.array([each.ids for each in encoded], dtype=np.int64)
    return ids, np.array([each.attention_mask for each in encoded], dtype=np.int64)


def forward(weights: Weights, ids: np.ndarray[Any, Any], mask: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same computation in plain numpy, in double precision."""
    erf = np.vectorize(math.erf)

    def dense(x: Any, name: str) -> Any:
        return x @ weights[f"{name}.weight"].T.astype(np.float64) + weights[f"{name}.bias"]

    def norm(x: Any, name: str) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    batch, length = ids.shape

    def heads(x: Any) -> Any:
        return x.reshape(batch, length, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3)

    x = weights["embeddings.word_embeddings.weight"][ids].astype(np.float64)
    x = x + weights["embeddings.position_embeddings.weight"][:length]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    hidden = (1 - mask[:, None, None, :]) * -1e9
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        query, key, value = (heads(dense(x, f"{at}.attention.self.{part}")) for part in ("query", "key", "value"))
        scores = query @ key.transpose(0, 1, 3, 2) / math.sqrt(WIDTH // HEADS) + hidden
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares = shares / shares.sum(-1, keepdims=True)
        context = (shares @ value).transpose(0, 2, 1, 3).reshape(batch, length, WIDTH)
        x = norm(x + dense(context, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
        inner = dense(x, f"{at}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / math.sqrt(2)))
        x = norm(x + dense(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    mean = (x * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True))


class _Graph:
    """Nodes and constants in the order they were asked for."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(np.asarray(value, dtype=dtype)), name))
        return name


def graph(weights: Weights) -> Any:
    g = _Graph()

    def dense(x: str, name: str) -> str:
        product = g.op("MatMul", x, g.constant(weights[f"{name}.weight"].T))
        return g.op("Add", product, g.constant(weights[f"{name}.bias"]))

    def norm(x: str, name: str) -> str:
        scale, bias = g.constant(weights[f"{name}.weight"]), g.constant(weights[f"{name}.bias"])
        return g.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=EPSILON)

    split, join = (g.constant(shape, np.int64) for shape in ([0, 0, HEADS, WIDTH // HEADS], [0, 0, WIDTH]))

    def heads(x: str, order: list[int]) -> str:
        return g.op("Transpose", g.op("Reshape", x, split), perm=order)

    zero, one, last = (g.constant([value], np.int64) for value in (0, 1, 2))
    length = g.op("Slice", g.op("Shape", "input_ids"), one, last, zero)
    positions = g.op("Slice", g.constant(weights["embeddings.position_embeddings.weight"]), zero, length, zero)
    x = g.op("Gather", g.constant(weights["embeddings.word_embeddings.weight"]), "input_ids")
    x = g.op("Add", g.op("Add", x, positions), g.constant(weights["embeddings.token_type_embeddings.weight"][0]))
    x = norm(x, "embeddings.LayerNorm")
    seen = g.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    unseen = g.op("Unsqueeze", g.op("Sub", g.constant([1.0]), seen), g.constant([1, 2], np.int64))
    hidden = g.op("Mul", unseen, g.constant([-1e9]))
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        query = heads(dense(x, f"{at}.attention.self.query"), [0, 2, 1, 3])
        key = heads(dense(x, f"{at}.attention.self.key"), [0, 2, 3, 1])
        value = heads(dense(x, f"{at}.attention.self.value"), [0, 2, 1, 3])
        scores = g.op("Mul", g.op("MatMul", query, key), g.constant([1 / math.sqrt(WIDTH // HEADS)]))
        shares = g.op("Softmax", g.op("Add", scores, hidden), axis=-1)
        context = g.op("Reshape", g.op("Transpose", g.op("MatMul", shares, value), perm=[0, 2, 1, 3]), join)
        x = norm(g.op("Add", x, dense(context, f"{at}.attention.output.dense")), f"{at}.attention.output.LayerNorm")
        inner = dense(x, f"{at}.intermediate.dense")
        bent = g.op("Add", g.op("Erf", g.op("Div", inner, g.constant([math.sqrt(2)]))), g.constant([1.0]))
        inner = g.op("Mul", g.op("Mul", inner, bent), g.constant([0.5]))
        x = norm(g.op("Add", x, dense(inner, f"{at}.output.dense")), f"{at}.output.LayerNorm")
    weight = g.op("Unsqueeze", seen, g.constant([2], np.int64))
    total = g.op("ReduceSum", g.op("Mul", x, weight), one, keepdims=0)
    mean = g.op("Div", total, g.op("ReduceSum", weight, one, keepdims=0))
    g.nodes.append(helper.make_node("LpNormalization", [mean], ["vectors"], axis=-1, p=2))
    inputs = [
        helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "length"])
        for n in ("input_ids", "attention_mask")
    ]
    outputs = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", WIDTH])]
    made = helper.make_graph(g.nodes, "all-MiniLM-L6-v2", inputs, outputs, g.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def _check(content: bytes, expected: str, name: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise SystemExit(f"{name} is not the official file: {found}")


if __name__ == "__main__":
    given = sys.argv[1:]
    references = Path(given[given.index("--references") + 1]) if "--references" in given else None
    main(Path(given[0]), Path(given[1]), references)
