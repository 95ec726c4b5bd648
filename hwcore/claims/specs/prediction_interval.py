from typing import ClassVar, Literal

from pydantic import Field

from hwcore.claims.rule import Kind, RuleSpec
from hwcore.claims.samples import Shape
from hwcore.spec import NotNegative


class Options(RuleSpec):
    """Whether the reported number of one run is one that these replicates let expect of a further run."""

    judges: ClassVar[tuple[Shape, ...]] = ("a number per replicate", "times")
    kind: ClassVar[Kind] = "reported value"

    scale: Literal["auto", "linear", "log", "logit", "fisher", "count"] = Field(
        "auto", description="the scale on which replicates are averaged; auto: by the name of the column"
    )
    rounding: NotNegative | None = Field(
        None, description="the unit to which the reported number is rounded; its last digit if left out"
    )
