from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from hwcore.nets.spec import OpaqueLayerSpec, Positive, Shape, need_image, show
from hwcore.validation import did_you_mean


class Torchvision(OpaqueLayerSpec):
    """A classification network of torchvision, from random weights; none are downloaded."""

    # torchvision.models.list_models, which would load torch, with the multiplications for each number of the input: the
    # weights' own metadata say how many there are in a forward pass of an image of the smallest size that has weights.
    # And thousands of parameters with a thousand classes, by the same metadata
    # fmt: off
    MODELS: ClassVar[Mapping[str, tuple[int, int]]] = {
        "alexnet": (4743, 61101), "convnext_base": (102008, 88591), "convnext_large": (228270, 197767),
        "convnext_small": (57690, 50224), "convnext_tiny": (29602, 28589), "densenet121": (18827, 7979),
        "densenet161": (51339, 28681), "densenet169": (22321, 14149), "densenet201": (28506, 20014),
        "efficientnet_b0": (2564, 5289), "efficientnet_b1": (3976, 7794), "efficientnet_b2": (4372, 9110),
        "efficientnet_b3": (6767, 12233), "efficientnet_b4": (10143, 19342), "efficientnet_b5": (16457, 30390),
        "efficientnet_b6": (22799, 43041), "efficientnet_b7": (34950, 66348), "efficientnet_v2_l": (81134, 118515),
        "efficientnet_v2_m": (35564, 54139), "efficientnet_v2_s": (18912, 21458), "googlenet": (9952, 6625),
        "inception_v3": (21301, 27161), "maxvit_t": (36923, 30920), "mnasnet0_5": (691, 2219),
        "mnasnet0_75": (1428, 3170), "mnasnet1_0": (2086, 4383), "mnasnet1_3": (3494, 6282),
        "mobilenet_v2": (2000, 3505), "mobilenet_v3_large": (1442, 5483), "mobilenet_v3_small": (379, 2543),
        "regnet_x_16gf": (105901, 54279), "regnet_x_1_6gf": (10649, 9190), "regnet_x_32gf": (210831, 107812),
        "regnet_x_3_2gf": (21106, 15297), "regnet_x_400mf": (2750, 5496), "regnet_x_800mf": (5315, 7260),
        "regnet_x_8gf": (53113, 39573), "regnet_y_128gf": (847138, 644813), "regnet_y_16gf": (105708, 83590),
        "regnet_y_1_6gf": (10709, 11202), "regnet_y_32gf": (214445, 145047), "regnet_y_3_2gf": (21099, 19436),
        "regnet_y_400mf": (2671, 4344), "regnet_y_800mf": (5540, 6433), "regnet_y_8gf": (56289, 39381),
        "resnet101": (51824, 44549), "resnet152": (76491, 60193), "resnet18": (12051, 11690),
        "resnet34": (24341, 21798), "resnet50": (27164, 25557), "resnext101_32x8d": (109043, 88791),
        "resnext101_64x4d": (102705, 83455), "resnext50_32x4d": (28101, 25029), "shufflenet_v2_x0_5": (266, 1367),
        "shufflenet_v2_x1_0": (963, 2279), "shufflenet_v2_x1_5": (1966, 3504), "shufflenet_v2_x2_0": (3873, 7394),
        "squeezenet1_0": (5441, 1248), "squeezenet1_1": (2319, 1235), "swin_b": (102512, 87768),
        "swin_s": (58069, 49606), "swin_t": (29835, 28288), "swin_v2_b": (103378, 87931), "swin_v2_s": (58726, 49737),
        "swin_v2_t": (30212, 28352), "vgg11": (50549, 132863), "vgg11_bn": (50549, 132869), "vgg13": (75122, 133048),
        "vgg13_bn": (75122, 133054), "vgg16": (102772, 138358), "vgg16_bn": (102772, 138366), "vgg19": (130421, 143667),
        "vgg19_bn": (130421, 143678), "vit_b_16": (116683, 86568), "vit_b_32": (29290, 88224),
        "vit_h_14": (1111388, 632046), "vit_l_16": (408927, 304327), "vit_l_32": (102160, 306535),
        "wide_resnet101_2": (151155, 126887), "wide_resnet50_2": (75720, 68883),
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
        return self.MODELS[self.name][0] * prod(shape)

    def estimated_parameters(self, shape: Shape) -> int:
        """An estimate: those of the network with a thousand classes and no options."""
        return 1000 * self.MODELS[self.name][1]
