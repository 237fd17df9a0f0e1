"""An ONNX file from anywhere becomes one signed file, once you say what goes in and what comes out.

python onnx_file.py OUT.bedside
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from masses import NAMES, answers, rows, split
from onnx import TensorProto, helper, numpy_helper

import bedside
from bedside.keys.signing import SigningKey
from bedside.runtime.runner import load

# Somebody's file: standardised numbers in, two logits out (benign, malignant). No names, no units.
weights = np.array([[-1.6, 1.6], [-0.5, 0.5], [-0.6, 0.6]], dtype=np.float32)
bias = np.array([0.3, -0.3], dtype=np.float32)
graph = helper.make_graph(
    [helper.make_node("Gemm", ["x", "weights", "bias"], ["logits"])],
    "somebodys",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])],
    [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [None, 2])],
    [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

# What their paper says of it, which the file does not.
centre, scale = [14.1, 19.3, 0.096], [3.5, 4.3, 0.014]
before = [
    {"op": "select_numbers", "fields": NAMES, "output": "raw"},
    {"op": "standardise", "input": "raw", "output": "ready", "centre": centre, "scale": scale},
]
logits = ((rows.to_numpy() - centre) / scale) @ weights + bias
scores = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
spec = answers("masses-onnx", scores, preprocessing=before, network={"gives": "logits"})

with TemporaryDirectory() as folder:
    onnx.save(model, Path(folder, "somebodys.onnx"))
    frozen = bedside.freeze(
        Path(folder, "somebodys.onnx"),
        data=rows.iloc[split.train],
        spec=bedside.make_spec(spec),
        key=SigningKey.new(),  # of a real author: bedside keys new author.pem
        out=sys.argv[1],
    )
print(f"{frozen.package.manifest.ref}: largest difference {frozen.report.largest:.1e}")

mass = rows.iloc[split.test[0]].to_dict()
answer = load(frozen.package).predict([mass])[0]
print(f"{mass}: {answer.label}, {answer.scores['malignant']:.3f}")
