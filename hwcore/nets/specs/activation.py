from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from hwcore.nets.spec import LayerSpec, Shape, show


class Activation(LayerSpec):
    """A function of each number; softmax and log-softmax are over all of a row."""

    main: ClassVar[str | None] = "slope"
    words: ClassVar[str] = "{kind}"

    kind: Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid", "softplus", "softmax", "log_softmax"]
    slope: Annotated[float, Field(ge=0)] = Field(0.01, description="of leaky_relu below zero")

    @model_validator(mode="after")
    def _slope_has_a_user(self) -> "Activation":
        if "slope" in self.model_fields_set and self.kind != "leaky_relu" and self.slope != 0.01:
            raise ValueError(f"{self.kind} has no slope; remove it or choose leaky_relu")
        return self

    def output(self, shape: Shape) -> Shape:
        if self.kind in ("softmax", "log_softmax") and len(shape) != 1:
            raise ValueError(f"{self.kind} needs a flat input, not {show(shape)}: put `flatten` before it")
        return shape

    def homogeneous(self) -> bool:
        return self.kind in ("relu", "leaky_relu")

    def smooth(self) -> bool:
        return self.kind not in ("relu", "leaky_relu", "elu")
