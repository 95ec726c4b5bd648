from math import prod
from typing import Any, ClassVar, Literal

from pydantic import Field

from hwcore.nets.spec import LayerSpec, Positive, Shape

# Numbers made of each of an input, in how many tensors, where nothing is known of a module.
_WIDEST, _TENSORS = 20, 10


class Module(LayerSpec):
    """A class of the study's own `nets.py`, which is a torch.nn.Module."""

    words: ClassVar[str] = "{name} of nets.py"

    kind: Literal["module"]
    name: str = Field(description="the class")
    study: str = Field(description="the study in whose folder nets.py lies; filled in")
    source: str = Field(description="a hash of nets.py and of what it imports of hwcore; filled in")
    out: Positive = Field(description="number of outputs")
    options: dict[str, Any] = Field({}, description="arguments of the class")

    def output(self, shape: Shape) -> Shape:
        return (self.out,)

    def tensors(self, shape: Shape) -> None:
        return None

    def activations(self, shape: Shape) -> list[int]:
        """An estimate."""
        return [_WIDEST * prod(shape)] * _TENSORS

    def convolves(self) -> bool:
        return True

    def stacks(self) -> bool:
        return False

    def smooth(self) -> bool:
        return False
