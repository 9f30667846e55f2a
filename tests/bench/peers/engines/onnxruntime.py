"""ONNX Runtime, its own CPU provider, with all graph optimisations (the blocked layout is among them)."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort

from . import Case, Engine


class Peer(Engine):
    packages = ("onnxruntime",)

    def __init__(self, case: Case, threads: int, variant: str) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = ort.InferenceSession(str(case.onnx), options, providers=["CPUExecutionProvider"])
        # Bound once, so that no frame pays for a new output.
        self.picture = ort.OrtValue.ortvalue_from_numpy(case.picture())
        self.result = ort.OrtValue.ortvalue_from_shape_and_type(case.shape(), np.float32)
        self.binding = self.session.io_binding()
        self.binding.bind_ortvalue_input(self.session.get_inputs()[0].name, self.picture)
        self.binding.bind_ortvalue_output(self.session.get_outputs()[0].name, self.result)

    def run(self) -> None:
        self.session.run_with_iobinding(self.binding)

    def output(self) -> np.ndarray:
        return self.result.numpy()
