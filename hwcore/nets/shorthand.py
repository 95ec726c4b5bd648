"""How a study file says a network in a line: perceptrons, convolutional networks, named blocks, foreign modules.

What is said in short is said in full in the specification of each job, layer by layer.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from hwcore.spec import Spec
from hwcore.validation import did_you_mean

_Size = Annotated[int, Field(gt=0, strict=True)]
_Share = Annotated[float, Field(ge=0, lt=1)]
_Part = Literal["conv", "batch_norm", "activation", "pool", "dropout2d"]
# What a network may have of layers and their settings.
_LAYERS = 10_000
# The parts of a convolutional network that `order` may arrange.
_PARTS: tuple[_Part, ...] = ("conv", "batch_norm", "activation", "pool", "dropout2d")


def _one_conv(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Of three forms, so that Pydantic would tell of the mistakes in each."""
    if isinstance(value, dict):
        # the layer, with a kernel that the network may state for all; by name, as its module rests on this one
        import_module("hwcore.nets.specs.conv").Conv.model_validate({"kind": "conv", "kernel": 1, **value})
        return value
    try:
        return handler(value)
    except ValidationError:
        raise ValueError(
            f"{value!r} is not a convolution; give its channels, [channels, kernel] or a mapping, in numbers above 0"
        ) from None


class Cnn(Spec):
    """A convolutional network: convolutions with what follows each, then dense layers.

    ``cnn: {input: [1, 28, 28], conv: [[10, 4], [20, 4]], pool: 2, dense: [50, 100], out: 10}`` is the network of two
    convolutions of 4×4 with ReLU and pooling and three linear layers.
    """

    input: tuple[_Size, _Size, _Size] = Field(description="channels, height and width of an image")
    conv: Annotated[
        tuple[Annotated[_Size | tuple[_Size, _Size] | dict[str, Any], WrapValidator(_one_conv)], ...],
        Field(min_length=1),
    ] = Field(description="each convolution: its channels, [channels, kernel], or a mapping as of the layer conv")
    kernel: _Size = Field(3, description="height and width of the kernels that `conv` does not state")
    padding: Annotated[int, Field(ge=0, strict=True)] = Field(0, description="of each convolution")
    stride: _Size = Field(1, description="of each convolution")
    batch_norm: bool = Field(False, description="whether batch normalisation follows each convolution")
    activation: Any = Field("relu", description="after each convolution and each dense layer but the last; or none")
    pool: _Size | tuple[Annotated[int, Field(ge=0, strict=True)], ...] | None = Field(
        None, description="size of the pooling after each convolution, or a list of sizes with 0 for none"
    )
    pooling: Literal["max", "average"] = Field("max", description="what pooling takes of a window")
    dropout2d: _Share | tuple[_Share, ...] = Field(
        0.0, description="dropout of channels after each convolution, or a list"
    )
    order: tuple[_Part, ...] = Field(_PARTS, description="the order of what belongs to a convolution")
    global_average_pool: bool = Field(False, description="whether the mean of each channel goes to the dense layers")
    dense: tuple[_Size, ...] = Field((), description="widths of the hidden dense layers")
    dense_activation: Any = Field(None, description="after each of these, if it is another than `activation`; or none")
    dropout: _Share | tuple[_Share, ...] = Field(
        0.0, description="dropout after each hidden dense layer, or a list: before the first dense layer, the second, …"
    )
    out: _Size = Field(description="number of outputs")
    output_activation: Any = Field(None, description="after the last layer")

    @model_validator(mode="after")
    def _lists_fit(self) -> "Cnn":
        for name, count, what in (
            ("pool", len(self.conv), "convolutions"),
            ("dropout2d", len(self.conv), "convolutions"),
            ("dropout", len(self.dense) + 1, "dense layers, the last included"),
        ):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != count:
                raise ValueError(f"{name}: {list(value)} has {len(value)} entries for {count} {what}")
        idle = {
            "dropout": self.dropout and not self.dense and "write dropout: [0.5] for one before the last layer",
            "dense_activation": self.dense_activation is not None and not self.dense and "give `dense`",
            "pooling": self.pooling != "max" and not self.pool and "give the size as `pool`",
        }
        for name, remedy in idle.items():
            if remedy and not isinstance(getattr(self, name), tuple):
                what = "pooling" if name == "pooling" else "hidden dense layer"
                raise ValueError(f"{name}: there is no {what}; {remedy}, or leave it out")
        used = {"conv", "activation", *(name for name in ("batch_norm", "pool", "dropout2d") if getattr(self, name))}
        for part in _PARTS:
            if self.order.count(part) > 1 or (part in used and part not in self.order):
                raise ValueError(f"order: {list(self.order)} must name {part} once")
        return self

    def layers(self) -> list[Any]:
        """The layers in the grammar of `layers`."""
        layers: list[Any] = []
        dropped = _each(self.dropout2d, len(self.conv))
        for conv, pool, share in zip(self.conv, _each(self.pool or 0, len(self.conv)), dropped, strict=True):
            parts: dict[str, list[Any]] = {
                "conv": [{"conv": self._conv(conv)}],
                "batch_norm": ["batch_norm"] * self.batch_norm,
                "activation": [self.activation] * int(self.activation != "none"),
                "pool": [{"max_pool" if self.pooling == "max" else "avg_pool": pool}] * bool(pool),
                "dropout2d": [{"dropout2d": share}] * bool(share),
            }
            layers += [layer for part in self.order for layer in parts[part]]
        layers.append("global_average_pool" if self.global_average_pool else "flatten")
        before = self.dropout if isinstance(self.dropout, tuple) else (0.0, *[self.dropout] * len(self.dense))
        between = self.activation if self.dense_activation is None else self.dense_activation
        widths = (*self.dense, self.out)
        for number, (width, share) in enumerate(zip(widths, before, strict=True)):
            layers += [{"dropout": share}] * bool(share)
            layers.append({"linear": width})
            layers += [between] * int(between != "none" and number < len(self.dense))
        return [*layers, *([self.output_activation] if self.output_activation is not None else [])]

    def _conv(self, conv: Any) -> dict[str, Any]:
        if isinstance(conv, int):
            conv = {"channels": conv}
        elif isinstance(conv, tuple):
            conv = {"channels": conv[0], "kernel": conv[1]}
        options = {"kernel": self.kernel, "padding": self.padding, "stride": self.stride, **conv}
        # what is at the default of the layer is not said
        return {key: value for key, value in options.items() if (key, value) not in (("padding", 0), ("stride", 1))}


def expand(network: Mapping[str, Any]) -> dict[str, Any]:
    """A network as `input` and `layers`, from those, from `mlp`, `cnn`, `torchvision` or `module`.

    Raises ValueError where two of them, or options that belong to another one, are given.
    """
    content = dict(network)
    forms = [form for form in ("mlp", "cnn", "torchvision", "module", "layers") if form in content]
    if len(forms) > 1:
        raise ValueError(f"`{forms[0]}` already says the layers: leave `{forms[1]}` out")
    form = forms[0] if forms else "layers"
    allowed = {
        "mlp": {"activation"},
        "cnn": set(),
        "torchvision": {"input", "out", "options"},
        "module": {"input", "out", "options"},
        "layers": {"input"},
    }[form]
    for key in sorted((content.keys() & {"input", "activation", "out", "options"}) - allowed):
        raise ValueError(_surplus(form, key))
    if form == "mlp":
        return _mlp(content)
    if form == "cnn":
        cnn = content.pop("cnn")
        cnn = cnn if isinstance(cnn, Cnn) else Cnn.model_validate(cnn)
        return {**content, "input": cnn.input, "layers": cnn.layers()}
    if form in ("torchvision", "module"):
        return _foreign(form, content)
    return content


def _surplus(form: str, key: str) -> str:
    if form == "mlp" or (form == "cnn" and key == "input"):
        where = "`mlp` already says the" if form == "mlp" else "`cnn` already says the"
        return f"{where} {key}: leave `{key}` out" if key == "input" else f"`{key}` does not go with `{form}`"
    if form == "cnn":
        return f"`{key}` goes into the mapping of `cnn`"
    if key == "activation":
        return "`activation` goes with `mlp`; in `layers` name each activation in its place"
    return f"`{key}` goes with `torchvision` or `module`"


def _mlp(content: dict[str, Any]) -> dict[str, Any]:
    widths, activation = content.pop("mlp"), content.pop("activation", "relu")
    if not isinstance(widths, list | tuple) or len(widths) < 2:
        raise ValueError(f"mlp: {widths!r} is not a list of at least two widths, such as [784, 30, 10]")
    for width in widths:
        if not isinstance(width, int) or isinstance(width, bool) or width < 1:
            raise ValueError(f"mlp: {width!r} is not a width; give whole numbers above 0, such as [784, 30, 10]")
    layers: list[Any] = ["flatten"]
    for width in widths[1:]:
        layers += [{"linear": width}, activation]
    return {**content, "input": [widths[0]], "layers": layers[:-1]}


def _foreign(form: str, content: dict[str, Any]) -> dict[str, Any]:
    value = content.pop(form)
    for key, example in (("input", "[3, 32, 32]"), ("out", "10")):
        if key not in content:
            raise ValueError(f"`{form}` needs `{key}`, such as `{key}: {example}`")
    layer = {"kind": form, **(value if isinstance(value, dict) else {"name": value}), "out": content.pop("out")}
    layer["options"] = content.pop("options", {})
    return {**content, "layers": [layer]}


def with_blocks(layers: Any, blocks: Mapping[str, Any]) -> Any:
    """``layers`` with the layers of a block in the place of each ``{block: name}``, those of blocks in it too.

    Raises ValueError for an unknown block, one that contains itself and more than 10,000 layers.
    """
    expanded = _with_blocks(layers, blocks, (), {})
    if _count(expanded, {}) > _LAYERS:
        raise ValueError(f"there are more than {_LAYERS:,} layers and settings of layers, blocks written out")
    return expanded


def _with_blocks(layers: Any, blocks: Mapping[str, Any], around: Sequence[str], known: dict[str, Any]) -> Any:
    """``around`` are the blocks that the layers stand in, ``known`` those that were expanded before."""
    if isinstance(layers, Mapping):
        return {key: _with_blocks(value, blocks, around, known) for key, value in layers.items()}
    if not isinstance(layers, list | tuple):
        return layers
    expanded: list[Any] = []
    for layer in layers:
        if isinstance(layer, Mapping) and set(layer) == {"block"}:
            name = layer["block"]
            if name in around:
                raise ValueError(f"block {name!r} contains itself: {' → '.join([*around, name])}")
            if not isinstance(name, str) or name not in blocks:
                raise ValueError(
                    f"unknown block {name!r}{did_you_mean(str(name), blocks) or '; there are no `blocks`'}"
                )
            if name not in known:
                known[name] = _with_blocks(blocks[name], blocks, [*around, name], known)
            expanded += known[name]
        else:
            expanded.append(_with_blocks(layer, blocks, around, known))
        if len(expanded) > _LAYERS:
            raise ValueError(f"there are more than {_LAYERS:,} layers, blocks written out")
    return expanded


def _count(content: Any, known: dict[int, int]) -> int:
    """How many values there are, those of a block in each of its places; ``known`` are the counts by id."""
    if not isinstance(content, Mapping | list):
        return 1
    if id(content) not in known:
        inner = content.values() if isinstance(content, Mapping) else content
        known[id(content)] = 1 + sum(_count(each, known) for each in inner)
    return known[id(content)]


def _each(value: Any, count: int) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,) * count
