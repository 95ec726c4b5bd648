from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hwcore.claims.rule import Kind, RuleSpec
from hwcore.claims.samples import Shape
from hwcore.spec import NotNegative, Positive


class Options(RuleSpec):
    """Whether a reported mean of several runs is one that these replicates let expect."""

    judges: ClassVar[tuple[Shape, ...]] = ("a number per replicate",)
    kind: ClassVar[Kind] = "reported value"

    runs: Annotated[int, Field(ge=2, strict=True)] = Field(description="the runs of which the report gives the mean")
    sd: Positive | None = Field(None, description="their standard deviation, if the report gives it")
    scale: Literal["auto", "linear", "log"] = Field(
        "auto", description="the scale of the comparison; auto: log for losses, norms and times, else linear"
    )
    rounding: NotNegative | None = Field(
        None, description="the unit to which the reported mean is rounded; its last digit if left out"
    )
