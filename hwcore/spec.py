"""What all specifications have in common: values that are checked, complete and never changed."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(gt=0, strict=True)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Spec(BaseModel):
    """A mapping in a study file or in the configuration, with its keys, their types and their defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
