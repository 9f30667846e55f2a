"""Reading and writing safetensors: F32 or F16 tensors and a dictionary of strings about them."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch


class WeightsError(Exception):
    """A weights file cannot be read or written; the message says which and why."""


KINDS = {"F32": "<f4", "F16": "<f2"}
HEADER = 1 << 20  # bytes at most: MAX_HEADER of core/safetensors.c


def header_of(tensors: Mapping[str, torch.Tensor], about: Mapping[str, str], kind: str = "F32") -> dict:
    """The header of a file that holds the tensors, as `kind`, in their order."""
    header: dict = {"__metadata__": {"format": "pt", **about}}
    end = 0
    for name, tensor in tensors.items():
        begin, end = end, end + tensor.numel() * np.dtype(KINDS[kind]).itemsize
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [begin, end]}
    return header


def encode(header: dict) -> bytes:
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % 8)


def write(path: Path, tensors: Mapping[str, torch.Tensor], about: Mapping[str, str], kind: str = "F32") -> None:
    """Write tensors (converted to `kind`) in their order, with `about` as the metadata."""
    data = [tensor.detach().to("cpu", torch.float32).contiguous().numpy().astype(KINDS[kind]).tobytes()
            for tensor in tensors.values()]
    write_raw(path, header_of(tensors, about, kind), b"".join(data))


def write_raw(path: Path, header: dict, data: bytes) -> None:
    text = encode(header)
    if len(text) > HEADER:
        raise WeightsError(f"{path}: cannot be written (its header would be {len(text)} bytes long; the limit is "
                           f"{HEADER})")
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(struct.pack("<Q", len(text)) + text + data)
        partial.replace(path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be written ({error.strerror})") from None


def read_raw(path: Path) -> tuple[dict, bytes]:
    """The header and the bytes after it."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        (length,) = struct.unpack_from("<Q", raw)
        header = json.loads(raw[8:8 + length])
        if not isinstance(header, dict):
            raise TypeError
        return header, raw[8 + length:]
    except (struct.error, ValueError, TypeError):
        raise WeightsError(f"{path}: not a safetensors file") from None


def tell(path: Path, out: Path, more: Mapping[str, str]) -> None:
    """Copy a file with more metadata; its tensors stay the same, bit for bit."""
    header, data = read_raw(path)
    header["__metadata__"] = {**header.get("__metadata__", {}), **more}
    write_raw(out, header, data)


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors, as float32, and metadata of a file that holds only F32 and F16."""
    header, data = read_raw(path)
    try:
        about = header.pop("__metadata__", {})
        tensors = {}
        for name, entry in header.items():
            if entry["dtype"] not in KINDS:
                raise WeightsError(f"{path}: {name} is {entry['dtype']}, only {' and '.join(KINDS)} are read")
            kind = np.dtype(KINDS[entry["dtype"]])
            begin, end = entry["data_offsets"]
            count = math.prod(entry["shape"])
            if end - begin != kind.itemsize * count or not 0 <= begin <= end <= len(data):
                raise WeightsError(f"{path}: {name} has wrong offsets")
            values = np.frombuffer(data, kind, count, begin).astype(np.float32)
            tensors[name] = torch.from_numpy(values.reshape(entry["shape"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WeightsError(f"{path}: not a safetensors file") from None
    return tensors, about
