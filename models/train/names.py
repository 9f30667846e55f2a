"""Names of models, and names that results are listed under."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

SHIPPED = Path(__file__).resolve().parent.parent
ORDER = ["live", "live-clean", "balanced", "balanced-clean"]  # of tables; other models follow


def shipped() -> list[str]:
    """The built-in models, in the order of tables."""
    found = {file.name.rpartition("_x")[0] for file in SHIPPED.glob("*_x[234].safetensors")}
    return [name for name in ORDER if name in found] + sorted(found - {*ORDER})


def short(files: Sequence[str | Path], taken: Iterable[str] = ()) -> list[str]:
    """Each file's stem, or its path as given if another file or one of `taken` has that stem."""
    count = Counter([*taken, *(Path(file).stem for file in files)])
    return [stem if count[stem := Path(file).stem] == 1 else str(file) for file in files]
