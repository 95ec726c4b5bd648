"""Parquet tables as figures and claims read them."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd


def read_tables(paths: Mapping[str, Path]) -> dict[str, pd.DataFrame]:
    """The tables by name.

    A key ``name`` is a table of its own.  Keys ``name/model`` are the parts that each model's own run recorded,
    joined in order under a leading column ``model``.  Keys ``name/experiment/*`` are the same table of several
    experiments, joined in order, whose models are then called ``experiment/model``.
    """
    parts: dict[str, list[pd.DataFrame]] = {}
    for key, path in paths.items():
        name, _, model = key.partition("/")
        table = pd.read_parquet(path)
        if model.endswith("/*"):
            # a pair is of models: a → b
            for column in table.columns.intersection(["model", "pair"]):
                named = table[column].astype(str)
                table[column] = [" → ".join(model[:-1] + each for each in value.split(" → ")) for value in named]
        elif model:
            table.insert(0, "model", model)
        parts.setdefault(name, []).append(table)
    return {name: pd.concat(found, ignore_index=True) for name, found in parts.items()}
