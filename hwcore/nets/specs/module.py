from typing import Any, ClassVar, Literal

from pydantic import Field

from hwcore.nets.spec import OpaqueLayerSpec, Positive, Shape


class Module(OpaqueLayerSpec):
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
