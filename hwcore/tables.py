"""Parquet tables as figures and claims read them."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd


def read_tables(paths: Mapping[str, Path]) -> dict[str, pd.DataFrame]:
    """The tables by name.

    A key ``name`` is a table of its own; keys ``name/model`` are the parts that each model's own
    run recorded, joined in order under a leading column ``model``.
    """
    parts: dict[str, list[pd.DataFrame]] = {}
    for key, path in paths.items():
        name, _, model = key.partition("/")
        table = pd.read_parquet(path)
        if model:
            table.insert(0, "model", model)
        parts.setdefault(name, []).append(table)
    return {name: pd.concat(found, ignore_index=True) for name, found in parts.items()}
