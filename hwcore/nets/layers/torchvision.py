from torch import nn
from torchvision.models import get_model

from hwcore.nets.foreign import Foreign
from hwcore.nets.specs.torchvision import Torchvision


def _build(layer: Torchvision) -> nn.Module:
    module: nn.Module = get_model(layer.name, weights=None, num_classes=layer.out, **layer.options)
    return module


_foreign = Foreign(_build)
tensors, initialize, forward = _foreign.tensors, _foreign.initialize, _foreign.forward
