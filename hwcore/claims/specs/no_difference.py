from typing import ClassVar

from pydantic import Field

from hwcore.claims.rule import RuleSpec
from hwcore.claims.samples import Shape
from hwcore.spec import Positive


class Options(RuleSpec):
    """Whether two means are equal up to a stated margin."""

    judges: ClassVar[tuple[Shape, ...]] = ("two samples",)

    margin: Positive = Field(description="the largest difference that counts as none, in units of the measure")
