from math import prod
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from hwcore.nets.spec import OpaqueLayer, Positive, Shape, need_image, show
from hwcore.validation import did_you_mean


class Torchvision(OpaqueLayer):
    """A classification network of torchvision, from random weights; none are downloaded."""

    # torchvision.models.list_models, which would load torch
    # fmt: off
    MODELS: ClassVar[tuple[str, ...]] = (
        "alexnet", "convnext_base", "convnext_large", "convnext_small", "convnext_tiny", "densenet121",
        "densenet161", "densenet169", "densenet201", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2",
        "efficientnet_b3", "efficientnet_b4", "efficientnet_b5", "efficientnet_b6", "efficientnet_b7",
        "efficientnet_v2_l", "efficientnet_v2_m", "efficientnet_v2_s", "googlenet", "inception_v3",
        "maxvit_t", "mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3", "mobilenet_v2",
        "mobilenet_v3_large", "mobilenet_v3_small", "regnet_x_16gf", "regnet_x_1_6gf", "regnet_x_32gf",
        "regnet_x_3_2gf", "regnet_x_400mf", "regnet_x_800mf", "regnet_x_8gf", "regnet_y_128gf",
        "regnet_y_16gf", "regnet_y_1_6gf", "regnet_y_32gf", "regnet_y_3_2gf", "regnet_y_400mf",
        "regnet_y_800mf", "regnet_y_8gf", "resnet101", "resnet152", "resnet18", "resnet34", "resnet50",
        "resnext101_32x8d", "resnext101_64x4d", "resnext50_32x4d", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0",
        "shufflenet_v2_x1_5", "shufflenet_v2_x2_0", "squeezenet1_0", "squeezenet1_1", "swin_b", "swin_s",
        "swin_t", "swin_v2_b", "swin_v2_s", "swin_v2_t", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16",
        "vgg16_bn", "vgg19", "vgg19_bn", "vit_b_16", "vit_b_32", "vit_h_14", "vit_l_16", "vit_l_32",
        "wide_resnet101_2", "wide_resnet50_2",
    )
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
        """An estimate: ten for each number of the input, fewer than any of these networks has."""
        return 10 * prod(shape)
