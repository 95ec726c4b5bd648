"""What a report claims, how it is measured, and by which rule it is judged."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ConfigDict, Field, SerializeAsAny, model_validator

from hwcore.claims.measure import Measure
from hwcore.claims.measures import difference, reached, share, value
from hwcore.claims.rule import RuleSpec
from hwcore.claims.words import listed
from hwcore.kinds import kinds
from hwcore.spec import Spec
from hwcore.validation import did_you_mean, nested

MEASURES = kinds("hwcore.claims.measures", "Kind", Measure)
RULES = {name.replace("_", "-"): rule for name, rule in kinds("hwcore.claims.specs", "Options", RuleSpec).items()}
# 0,0021 and 12,5, and not 1,500
_DECIMAL_COMMA = re.compile(r"[-−]?(\d+,(?!\d{3}$)\d+|0+,\d+)")
_NUMBER = re.compile(r"\s*\d+(\.\d*)?\s*")
# Where the number of an accuracy is one itself.
_ONE_ROW = ("last", "first", "min", "max", "mean")
# What of an expectation is in the unit of what is measured.
_IN_ITS_UNIT = ("above", "below", "within", "equal", "margin", "sd", "rounding")
# The modules of all kinds, which are loaded by name.
MODULES = tuple(kind.__module__ for kind in (*MEASURES.values(), *RULES.values()))


def _alternatives(schemas: "dict[str, type[Spec]]") -> Callable[[dict[str, Any]], None]:
    """For editors: a field takes one of several kinds of mapping."""

    def extend(schema: dict[str, Any]) -> None:
        for key in {*schema} - {"description"}:
            del schema[key]
        schema["anyOf"] = [{**kind.model_json_schema(), "title": name} for name, kind in schemas.items()]

    return extend


class Claim(Spec):
    """A number or statement of a report, with the measure and the rule that judge it."""

    model_config = ConfigDict(json_schema_extra={"dependentRequired": {"measure": ["rule"]}})

    where: str = Field(description="the section of the report")
    says: str = Field(description="a short quotation")
    experiment: str = Field(description="the experiment that is measured")
    reported: float | str | None = Field(
        None, description="the number that the report states; quoted if it ends in a zero, which tells its rounding"
    )
    measure: SerializeAsAny[Measure] | None = Field(
        None, description="the number of each replicate", json_schema_extra=_alternatives({**MEASURES})
    )
    rule: str | None = Field(
        None, description="how it is judged", json_schema_extra={"enum": [*RULES]}, validate_default=False
    )
    expect: SerializeAsAny[RuleSpec] | None = Field(
        None, description="what the rule expects of the measure", json_schema_extra=_alternatives({**RULES})
    )
    not_testable: str | None = Field(None, description="why no measure can judge it; it then has none")
    note: str | None = Field(None, description="how a vague statement is made measurable")
    figure: str | None = Field(None, description="the figure that shows it; the first that shows its table if left out")
    alone: bool = Field(
        False,
        description="not compared with variants, where what it expects is in units of the data as described",
    )
    otherwise: dict[str, SerializeAsAny[Measure]] = Field(
        {},
        description="other measures of the same, by their difference in words, e.g. `the last batch's loss`; "
        "where one gives another verdict, the reason says so",
        json_schema_extra={"additionalProperties": {"anyOf": [kind.model_json_schema() for kind in MEASURES.values()]}},
    )

    @model_validator(mode="before")
    @classmethod
    def _typed(cls, value: Any) -> Any:
        """Measure and expectation as what their kind and rule are, so that a mistake is told for these alone."""
        if not isinstance(value, dict) or value.get("measure") is None:
            return value
        if value.get("not_testable") is not None:
            raise ValueError("not_testable: stands instead of a measure, and here is one; leave out either")
        experiment, otherwise = value.get("experiment"), value.get("otherwise") or {}
        if not isinstance(otherwise, dict):
            raise ValueError(f"otherwise: {otherwise!r} is not a mapping from words to measures")
        measure = _measure(value["measure"], experiment)
        otherwise = {words: _measure(other, experiment) for words, other in otherwise.items()}
        rule, expect = value.get("rule"), {} if value.get("expect") is None else value["expect"]
        if not isinstance(expect, dict | RuleSpec):
            raise ValueError(f"expect: {expect!r} is not a mapping")
        if rule is None:
            raise ValueError(f"rule: is missing; {_fitting(measure)} would fit a measure of {measure.shape}")
        if not isinstance(rule, str) or rule not in RULES:
            raise ValueError(f"rule: unknown rule {rule!r}{did_you_mean(str(rule), RULES)}")
        for each in (measure, *otherwise.values()):
            if each.shape not in RULES[rule].judges:
                raise ValueError(f"rule: {rule} does not fit a measure of {each.shape}, which {_fitting(each)} would")
        value = {**value, "measure": measure, "otherwise": otherwise}
        return {**value, "rule": rule, "expect": _expectation(rule, expect)}

    @model_validator(mode="after")
    def _complete(self) -> "Claim":
        if (self.measure is None) == (self.not_testable is None):
            raise ValueError("needs either a measure and a rule, or not_testable: why")
        if isinstance(self.reported, str) and _DECIMAL_COMMA.fullmatch(self.reported.strip()):
            point = self.reported.replace(",", ".")
            raise ValueError(f"reported: {self.reported!r} has a decimal comma; write {point}")
        if self.measure is None:
            return self
        assert self.expect is not None
        self._check_fractions(self.measure, self.expect)
        if self.expect.kind == "reported value":
            self.reported_number()
        return self

    def _check_fractions(self, measure: Measure, expect: RuleSpec) -> None:
        """Raise ValueError where an accuracy, which is a fraction of one, is stated in per cent."""
        reported = self.reported
        if isinstance(reported, str) and _NUMBER.fullmatch(reported.strip()):
            reported = float(reported)
        stated: dict[str, Any] = {}
        if _is_fraction(measure) or (_is_difference(measure) and getattr(expect, "scale", None) != "log"):
            bounds = {f"expect: {name}": bound for name, bound in expect if name in _IN_ITS_UNIT}
            stated = {"reported": reported, **bounds}
        elif isinstance(measure, reached.Kind | share.Kind) and all(map(_is_accuracy, measure.columns())):
            stated = {f"measure: {name}": getattr(measure, name, None) for name in ("above", "below", "within")}
        for key, bounds in stated.items():
            for bound in bounds if isinstance(bounds, tuple | list) else [bounds]:
                if isinstance(bound, int | float) and 1 < abs(bound) <= 100:
                    raise ValueError(f"{key}: {bound:g} is more than all; accuracies are fractions: {bound / 100:g}")

    @property
    def module(self) -> str | None:
        """The module that judges it."""
        return None if self.rule is None else f"hwcore.claims.rules.{self.rule.replace('-', '_')}"

    def reported_number(self) -> tuple[float, float]:
        """The number that the report states, and the unit of its last digit: 0.9878 and 0.0001.

        Raises ValueError if it states none.
        """
        try:
            # a float's shortest decimal form is the one in the study file
            value = Decimal(str(self.reported).replace(",", ""))
            unit = Decimal(1).scaleb(int(value.as_tuple().exponent))
        except (InvalidOperation, ValueError):
            raise ValueError(
                f"reported: {self.reported!r} is no number, which the rule {self.rule} compares; "
                "a range is judged by the rule threshold with within: [low, high]"
            ) from None
        # YAML reads 250.0 and 250 alike as a number, and a float shows a digit that nobody stated
        if isinstance(self.reported, float) and self.reported == int(self.reported):
            unit = max(unit, Decimal(1))
        return float(value), float(unit)

    def measures(self) -> Iterator[Measure]:
        """The measure, and other measures of the same."""
        yield from ([] if self.measure is None else [self.measure, *self.otherwise.values()])

    def reads(self) -> set[tuple[str, str]]:
        """The tables that it reads, each as (experiment, table)."""
        return {
            (experiment or self.experiment, table)
            for measure in self.measures()
            for experiment, table in measure.reads()
        }

    def reads_columns(self) -> Iterator[tuple[str, str, str]]:
        """The columns that it names, each as (experiment, table, column)."""
        for measure in self.measures():
            for experiment, table, column in measure.reads_columns():
                yield experiment or self.experiment, table, column

    def tables(self) -> set[str]:
        """The tables that it reads of its own experiment, and of each variant with which it is compared."""
        return {table for measure in self.measures() for experiment, table in measure.reads() if experiment is None}

    def networks(self) -> set[tuple[str, str | None]]:
        """The models that it measures, each as (experiment, model); None for all models of the experiment."""
        return {
            (experiment or self.experiment, model)
            for measure in self.measures()
            for experiment, model in measure.networks()
        }


def _is_accuracy(column: str) -> bool:
    return column.endswith("_accuracy")


def _is_fraction(measure: Measure) -> bool:
    return isinstance(measure, value.Kind) and _is_accuracy(measure.value) and measure.at in _ONE_ROW


def _is_difference(measure: Measure) -> bool:
    return isinstance(measure, difference.Kind) and all(map(_is_fraction, measure.difference))


def _fitting(measure: Measure) -> str:
    """The rules that judge what a measure yields, in words."""
    return listed([name for name, rule in RULES.items() if measure.shape in rule.judges])


def _expectation(rule: str, value: "dict[str, Any] | RuleSpec") -> RuleSpec:
    if isinstance(value, RuleSpec):
        return value
    unknown = [key for key in value if key not in RULES[rule].model_fields]
    if unknown:
        known = did_you_mean(str(unknown[0]), RULES[rule].model_fields)
        raise ValueError(f"expect: {unknown[0]} is nothing that the rule {rule} takes{known}")
    missing = [name for name, field in RULES[rule].model_fields.items() if field.is_required() and name not in value]
    if missing:
        field = RULES[rule].model_fields[missing[0]]
        raise ValueError(f"expect: {missing[0]} is missing; the rule {rule} needs {field.description}")
    return nested("expect", RULES[rule], value)


def _measure(value: Any, experiment: Any) -> Measure:
    """A measure by the one key that names its kind."""
    if isinstance(value, Measure):
        return value
    if not isinstance(value, dict):
        raise ValueError(f"measure: {value!r} is not a mapping")
    named = [kind for kind in MEASURES if kind in value]
    if len(named) != 1:
        raise ValueError(f"measure: {value!r} must have exactly one of {', '.join(MEASURES)}")
    if named != ["difference"]:
        return nested("measure", MEASURES[named[0]], value)
    parts = value["difference"]
    if not isinstance(parts, list | tuple) or len(parts) != 2 or {*value} - {"difference", "experiment"}:
        raise ValueError("difference is a list of two measures, and nothing else")
    # where one names its experiment, the other has that of the claim, whichever variant is judged
    if any(isinstance(part, dict) and part.get("experiment") for part in parts):
        parts = [{"experiment": experiment, **part} if isinstance(part, dict) else part for part in parts]
    pair = [_measure(part, experiment) for part in parts]
    shapes = {part.shape for part in pair}
    if shapes != {"a count"} and not shapes <= {"a number per replicate", "times"}:
        raise ValueError("difference: both measures must give a number per replicate, or both a count")
    return difference.Kind(difference=(pair[0], pair[1]))
