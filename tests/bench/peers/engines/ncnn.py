"""ncnn, through its own converter from PyTorch (pnnx), weights and storage in float32."""

from __future__ import annotations

import ncnn
import numpy as np

from . import Case, Engine


class Peer(Engine):
    packages = ("ncnn", "pnnx")
    variants = ("default", "pool allocators")

    @staticmethod
    def export(case: Case) -> None:
        import pnnx
        import torch

        from .pytorch import load

        path = str(case.folder / "network")
        pnnx.export(load(case.weights), f"{path}.pt", torch.zeros(case.shape(1)), fp16=False,
                    **{kind: f"{path}.{kind[:4]}.{kind[4:]}" for kind in ("ncnnparam", "ncnnbin")})

    def __init__(self, case: Case, threads: int, variant: str) -> None:
        self.net = ncnn.Net()
        options = self.net.opt
        options.num_threads = threads
        for name in dir(options):
            if name.startswith(("use_fp16", "use_bf16", "use_int8", "use_vulkan")):
                setattr(options, name, False)
        # Winograd, matrix products and packed channels are on by themselves.
        if variant == "pool allocators":
            self.allocators = ncnn.UnlockedPoolAllocator(), ncnn.PoolAllocator()
            options.blob_allocator, options.workspace_allocator = self.allocators
        self.net.opt = options
        if self.net.load_param(str(case.folder / "network.ncnn.param")) or \
           self.net.load_model(str(case.folder / "network.ncnn.bin")):
            raise RuntimeError("the exported network does not load")
        self.samples = case.picture()[0]
        self.picture = ncnn.Mat(self.samples)

    def run(self) -> None:
        with self.net.create_extractor() as extractor:
            extractor.input(self.net.input_names()[0], self.picture)
            status, self.result = extractor.extract(self.net.output_names()[0])
        if status:
            raise RuntimeError(f"extract() failed with {status}")

    def output(self) -> np.ndarray:
        return np.array(self.result)
