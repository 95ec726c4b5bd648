"""The rows of the tables that answer a question, of all studies, with what the plan knows of their models.

Each row is of one member: a table of one experiment of one study.  Models are called `study/experiment/table/model`,
and a pair of them, `a → b`, is a model here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hwcore.diverged import without_guesses

KNOWN = ("layers", "parameters", "guess_loss", "guess_accuracy")


@dataclass(frozen=True)
class Rows:
    """``table`` has the columns of the members' tables, those of `joined`, and no others.

    ``members`` say what tells a member from others of its study, by its part of a model's name: nothing where it is
    the only one.  ``labels`` are those of models.
    """

    table: pd.DataFrame
    members: Mapping[str, str]
    labels: Mapping[str, str]

    def name(self, member: str) -> str:
        """`alluri (arcsinh x)`, as it stands in a sentence; of the only study `“arcsinh x”`."""
        study, detail = member.partition("/")[0], self.members[member]
        if detail and self._alone:
            return f"“{detail}”" if " " in detail else detail
        return f"{study} ({detail})" if detail else study

    def mark(self, member: str, label: str = "") -> str:
        """`alluri: arcsinh x, shallow`, as it stands in parentheses and in a legend; ``label`` is that of a model.

        Of the only study `arcsinh x, shallow`.
        """
        study = member.partition("/")[0]
        details = ", ".join(filter(None, [self.members[member], label]))
        if details and self._alone:
            return details
        return f"{study}: {details}" if details else study

    @property
    def _alone(self) -> bool:
        """Whether there is a single study, which needs no name."""
        return len({member.partition("/")[0] for member in self.members}) == 1

    @property
    def noun(self) -> str:
        """What a member is: a study or an experiment, where each has one, and otherwise a case."""
        places = [member.split("/") for member in self.members]
        if len({study for study, *_ in places}) == len(places):
            return "study"
        return "experiment" if len({tuple(place[:2]) for place in places}) == len(places) else "case"


def joined(
    table: pd.DataFrame, models: Mapping[str, Mapping[str, Any]], members: Mapping[str, str], labels: Mapping[str, str]
) -> Rows:
    """The rows with columns `member` and those that the plan knows of each model.

    These are `layers` (with weights), `parameters`, `guess_loss` and `guess_accuracy` (those of the best constant
    prediction), NaN where there is none, and the options of the analysis that the question names.  Networks that
    diverged have no accuracy.
    """
    # a table is of models or of pairs
    table = table.rename(columns={"pair": "model"})
    labels = {**labels, **{pair: _label(pair, labels) for pair in table["model"].unique() if " → " in pair}}
    first = table["model"].str.partition(" → ")[0]
    table = table.assign(member=first.str.rpartition("/")[0])
    table = without_guesses(table)
    for column in dict.fromkeys([*KNOWN, *(name for known in models.values() for name in known)]):
        values = {model: known.get(column) for model, known in models.items()}
        known_values = pd.to_numeric(first.map(values))
        # a table may have counted what the plan does not know
        table[column] = known_values.fillna(table[column]) if column in table else known_values
    table = table[first.isin(list(models))]
    present = set(table["member"])
    return Rows(table, {key: value for key, value in members.items() if key in present}, labels)


def _label(pair: str, labels: Mapping[str, str]) -> str:
    return " → ".join(labels.get(model, model) for model in pair.split(" → "))
