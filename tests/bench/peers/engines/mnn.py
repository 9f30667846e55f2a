"""MNN, through its own converter from ONNX, with high precision (float32 throughout)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import MNN
import numpy as np

from . import Case, Engine


class Peer(Engine):
    packages = ("MNN",)

    @staticmethod
    def export(case: Case) -> None:
        subprocess.run([str(Path(sys.executable).parent / "mnnconvert"), "-f", "ONNX", "--modelFile", str(case.onnx),
                        "--MNNModel", str(case.folder / "network.mnn"), "--bizCode", "rfdn"],
                       check=True, capture_output=True, text=True)

    def __init__(self, case: Case, threads: int, variant: str) -> None:
        self.interpreter = MNN.Interpreter(str(case.folder / "network.mnn"))
        self.session = self.interpreter.createSession(
            {"backend": "CPU", "numThread": threads, "precision": "high", "memory": "normal", "power": "high"})
        self.source = self.interpreter.getSessionInput(self.session)
        self.target = self.interpreter.getSessionOutput(self.session)
        # MNN works on channels in fours or more; the copies from and to planes are part of a frame.
        planes, kind = MNN.Tensor_DimensionType_Caffe, MNN.Halide_Type_Float
        self.picture = MNN.Tensor(case.shape(1), kind, case.picture(), planes)
        self.result = MNN.Tensor(case.shape(), kind, np.zeros(case.shape(), np.float32), planes)

    def run(self) -> None:
        self.source.copyFrom(self.picture)
        self.interpreter.runSession(self.session)
        self.target.copyToHostTensor(self.result)

    def output(self) -> np.ndarray:
        return self.result.getNumpyData()
