"""Files with a network's tensors: .pth and .safetensors.  No code in them is run."""

from __future__ import annotations

import io
import json
import math
import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from .errors import ConvertError

PICKLED = (b"PK", b"\x80")  # first bytes of a torch.save archive, and of one before PyTorch 1.6
NESTED = ("params_ema", "params", "state_dict", "model_state_dict", "model")  # keys that frameworks nest tensors under
COUNTERS = "num_batches_tracked"  # of batch norm: not used in the arithmetic
KINDS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
         "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8,
         "BOOL": torch.bool}


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConvertError(f"{path}: cannot be read ({error.strerror or error})") from None


def check_floating(tensors: Mapping[str, Tensor]) -> None:
    """ConvertError if a tensor has integers.  Only transformers have some, and those are refused by name before."""
    for name, value in tensors.items():
        if not value.is_floating_point():
            raise ConvertError(f"{name} is {value.dtype}, not floating point")


def is_torchscript(raw: bytes) -> bool:
    """Whether it is an archive of torch.jit.save, which has code and constants for it."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return any(Path(name).name == "constants.pkl" for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def read_pth(path: Path) -> dict[str, Tensor]:
    """The tensors of a .pth file."""
    raw = read_bytes(path)
    if is_torchscript(raw):
        out = path.with_name(f"{path.stem}-state.pth")
        raise ConvertError(f"{path}: TorchScript, whose code is not run here; if you trust it, save its tensors and "
                           f"convert those: torch.save(torch.jit.load({str(path)!r}).state_dict(), {str(out)!r})")
    try:
        content = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # also raised for any text
        what = "holds more than tensors; save its state dict alone" if raw.startswith(PICKLED) else "not a PyTorch file"
        raise ConvertError(f"{path}: {what}") from None
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError, OSError,
            struct.error, zipfile.BadZipFile):
        what = "a PyTorch file that is cut off" if raw.startswith(PICKLED) else "not a PyTorch file"
        raise ConvertError(f"{path}: {what}") from None
    for key in NESTED:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
            break
    if not isinstance(content, dict) or not content:
        raise ConvertError(f"{path}: holds no state dict")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise ConvertError(f"{path}: {name!r} is not a tensor")
    return {name.removeprefix("module."): value for name, value in content.items() if not name.endswith(COUNTERS)}


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a .safetensors file."""
    raw = read_bytes(path)
    try:
        (length,) = struct.unpack_from("<Q", raw)
        header = json.loads(raw[8:8 + length])
        about = {str(key): str(value) for key, value in header.pop("__metadata__", {}).items()}
        tensors = {}
        for name, entry in header.items():
            if name.endswith(COUNTERS):
                continue
            if entry["dtype"] not in KINDS:
                raise ConvertError(f"{path}: {name} is {entry['dtype']}, which is not supported")
            kind, shape = KINDS[entry["dtype"]], [int(size) for size in entry["shape"]]
            begin, end = entry["data_offsets"]
            if end > len(raw) - 8 - length:
                raise ConvertError(f"{path}: the file ends within {name}")
            if end - begin != kind.itemsize * math.prod(shape) or not 0 <= begin <= end:
                raise ConvertError(f"{path}: {name} has wrong offsets")
            part = bytearray(raw[8 + length + begin:8 + length + end])
            tensors[name] = torch.frombuffer(part, dtype=kind).reshape(shape) if part else torch.zeros(shape)
    except (struct.error, ValueError, KeyError, TypeError, AttributeError):
        raise ConvertError(f"{path}: not a safetensors file") from None
    if not tensors:
        raise ConvertError(f"{path}: holds no tensors")
    return tensors, about
