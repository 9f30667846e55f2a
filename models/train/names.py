"""Names that results are listed under."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path


def short(files: Sequence[str | Path], taken: Iterable[str] = ()) -> list[str]:
    """Each file's stem, or its path as given if another file or one of `taken` has that stem."""
    count = Counter([*taken, *(Path(file).stem for file in files)])
    return [stem if count[stem := Path(file).stem] == 1 else str(file) for file in files]
