from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from hwcore.nets.spec import OpaqueLayerSpec, Positive, Shape, need_image, show
from hwcore.validation import did_you_mean


class Torchvision(OpaqueLayerSpec):
    """A classification network of torchvision, from random weights; none are downloaded."""

    # torchvision.models.list_models, which would load torch, with the multiplications for each number of the input: the
    # weights' own metadata say how many there are in a forward pass of an image of the smallest size that has weights
    # fmt: off
    MODELS: ClassVar[Mapping[str, int]] = {
        "alexnet": 4743, "convnext_base": 102008, "convnext_large": 228270, "convnext_small": 57690,
        "convnext_tiny": 29602, "densenet121": 18827, "densenet161": 51339, "densenet169": 22321, "densenet201": 28506,
        "efficientnet_b0": 2564, "efficientnet_b1": 3976, "efficientnet_b2": 4372, "efficientnet_b3": 6767,
        "efficientnet_b4": 10143, "efficientnet_b5": 16457, "efficientnet_b6": 22799, "efficientnet_b7": 34950,
        "efficientnet_v2_l": 81134, "efficientnet_v2_m": 35564, "efficientnet_v2_s": 18912, "googlenet": 9952,
        "inception_v3": 21301, "maxvit_t": 36923, "mnasnet0_5": 691, "mnasnet0_75": 1428, "mnasnet1_0": 2086,
        "mnasnet1_3": 3494, "mobilenet_v2": 2000, "mobilenet_v3_large": 1442, "mobilenet_v3_small": 379,
        "regnet_x_16gf": 105901, "regnet_x_1_6gf": 10649, "regnet_x_32gf": 210831, "regnet_x_3_2gf": 21106,
        "regnet_x_400mf": 2750, "regnet_x_800mf": 5315, "regnet_x_8gf": 53113, "regnet_y_128gf": 847138,
        "regnet_y_16gf": 105708, "regnet_y_1_6gf": 10709, "regnet_y_32gf": 214445, "regnet_y_3_2gf": 21099,
        "regnet_y_400mf": 2671, "regnet_y_800mf": 5540, "regnet_y_8gf": 56289, "resnet101": 51824, "resnet152": 76491,
        "resnet18": 12051, "resnet34": 24341, "resnet50": 27164, "resnext101_32x8d": 109043,
        "resnext101_64x4d": 102705, "resnext50_32x4d": 28101, "shufflenet_v2_x0_5": 266, "shufflenet_v2_x1_0": 963,
        "shufflenet_v2_x1_5": 1966, "shufflenet_v2_x2_0": 3873, "squeezenet1_0": 5441, "squeezenet1_1": 2319,
        "swin_b": 102512, "swin_s": 58069, "swin_t": 29835, "swin_v2_b": 103378, "swin_v2_s": 58726,
        "swin_v2_t": 30212, "vgg11": 50549, "vgg11_bn": 50549, "vgg13": 75122, "vgg13_bn": 75122, "vgg16": 102772,
        "vgg16_bn": 102772, "vgg19": 130421, "vgg19_bn": 130421, "vit_b_16": 116683, "vit_b_32": 29290,
        "vit_h_14": 1111388, "vit_l_16": 408927, "vit_l_32": 102160, "wide_resnet101_2": 151155,
        "wide_resnet50_2": 75720,
    }
    # fmt: on
    main: ClassVar[str | None] = "name"
    words: ClassVar[str] = "torchvision's {name} with {out} outputs"

    kind: Literal["torchvision"]
    name: str = Field(description="the name in torchvision.models, such as resnet18")
    out: Positive = Field(description="number of outputs: classes")
    options: dict[str, Any] = Field({}, description="further arguments of torchvision's function of that name")

    @model_validator(mode="after")
    def _is_known(self) -> "Torchvision":
        if self.name not in self.MODELS:
            raise ValueError(
                f"torchvision has no classification network {self.name!r}{did_you_mean(self.name, self.MODELS)}"
            )
        for reserved in ("weights", "weights_backbone", "num_classes"):
            if reserved in self.options:
                remedy = "set `out`" if reserved == "num_classes" else "weights are drawn from the seeds"
                raise ValueError(f"torchvision: options.{reserved}: cannot be given; {remedy}")
        return self

    def output(self, shape: Shape) -> Shape:
        need_image(self.kind, shape)
        if shape[0] != 3:
            raise ValueError(
                f"torchvision's networks take three channels, not {show(shape)}; "
                "put `conv: {channels: 3, kernel: 1}` before it in `layers`"
            )
        return (self.out,)

    def multiplications(self, shape: Shape) -> int:
        """An estimate: as many for each number of the input as torchvision counts in larger images."""
        return self.MODELS[self.name] * prod(shape)
