"""OpenVINO's CPU plugin, for latency, in float32."""

from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.properties.hint as hints

from . import Case, Engine


class Peer(Engine):
    packages = ("openvino",)

    def __init__(self, case: Case, threads: int, variant: str) -> None:
        # On processors with bfloat16 instructions the plugin would compute in that unless told.
        compiled = ov.Core().compile_model(str(case.onnx), "CPU", {
            "PERFORMANCE_HINT": hints.PerformanceMode.LATENCY,
            "INFERENCE_PRECISION_HINT": ov.Type.f32,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
        })
        self.request = compiled.create_infer_request()
        self.picture = case.picture()
        self.request.set_input_tensor(ov.Tensor(self.picture, shared_memory=True))

    def run(self) -> None:
        self.request.infer()

    def output(self) -> np.ndarray:
        return self.request.get_output_tensor().data
