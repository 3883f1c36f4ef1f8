"""We and our peers, each as a function from a module and an input to something that runs and returns its output.

A contestant runs in NHWC float32 at its door where it can, computes in the precision it is named for, and uses as many
threads as it is told. Spinning of idle threads is switched off where a peer allows it: two spinning pools on a few
cores starve each other, and the next contestant pays.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

Run = Callable[[], np.ndarray]
Prepare = Callable[[nn.Module, np.ndarray, int], Run]


def pixels_last(y: np.ndarray) -> np.ndarray:
    """(n, c, h, w) as (n, h, w, c); scores of classes as one pixel."""
    return y.transpose(0, 2, 3, 1) if y.ndim == 4 else y[:, None, None]


def pellucid(precision: str) -> Prepare:
    def prepare(module: nn.Module, x: np.ndarray, threads: int) -> Run:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "case.safetensors")
            exported(module, x, path)
            return opened(path, precision, x, threads)

    return prepare


def exported(module: nn.Module, x: np.ndarray, path: str) -> None:
    from pellucid.learn import export

    export(module, path, torch.from_numpy(x).permute(0, 3, 1, 2))


def opened(path: str, precision: str, x: np.ndarray, threads: int) -> Run:
    import pellucid

    network = pellucid.load(path)
    return lambda: network.run(x, precision=precision, threads=threads)


def torch_eager(dtype: torch.dtype | None = None, compiled: bool = False) -> Prepare:
    def prepare(module: nn.Module, x: np.ndarray, threads: int) -> Run:
        torch.set_num_threads(threads)
        net = module.to(memory_format=torch.channels_last)
        net = torch.compile(net) if compiled else net
        tensor = torch.from_numpy(x).permute(0, 3, 1, 2)  # channels last already

        def run() -> np.ndarray:
            with torch.inference_mode(), torch.autocast("cpu", dtype, enabled=dtype is not None):
                return pixels_last(net(tensor).float().numpy())

        return run

    return prepare


def onnxruntime(module: nn.Module, x: np.ndarray, threads: int) -> Run:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(_onnx(module, x), options, providers=["CPUExecutionProvider"])
    tensor = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    name = session.get_inputs()[0].name
    return lambda: pixels_last(session.run(None, {name: tensor})[0])


def openvino(precision: str) -> Prepare:
    def prepare(module: nn.Module, x: np.ndarray, threads: int) -> Run:
        import openvino

        tensor = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        model = openvino.convert_model(module, example_input=torch.from_numpy(tensor))
        model.reshape({model.inputs[0]: list(tensor.shape)})
        hints = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision, "NUM_STREAMS": 1}
        request = openvino.Core().compile_model(model, "CPU", hints).create_infer_request()
        return lambda: pixels_last(next(iter(request.infer([tensor]).values())))

    return prepare


OURS = {"pellucid": "fp32", "pellucid-bf16": "bf16"}

CONTESTANTS: dict[str, Prepare] = {
    **{name: pellucid(precision) for name, precision in OURS.items()},
    "torch": torch_eager(),
    "torch-compile": torch_eager(compiled=True),
    "torch-bf16": torch_eager(torch.bfloat16),
    "onnxruntime": onnxruntime,
    "openvino": openvino("f32"),
    "openvino-bf16": openvino("bf16"),
}

BF16 = {"pellucid-bf16", "torch-bf16", "openvino-bf16"}


def _onnx(module: nn.Module, x: np.ndarray) -> bytes:
    import warnings

    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter needs no further package, and says that it is old
        torch.onnx.export(module, (torch.from_numpy(x).permute(0, 3, 1, 2),), file, dynamo=False)
    return file.getvalue()
