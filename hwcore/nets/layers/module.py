import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from torch import nn

from hwcore.errors import HwcoreError
from hwcore.nets.foreign import Foreign
from hwcore.nets.specs.module import Module


def _build(layer: Module) -> nn.Module:
    kind = getattr(_loaded(layer.study, layer.source), layer.name, None)
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        raise HwcoreError(f"report/{layer.study}/nets.py: {layer.name} is not a class of torch.nn.Module")
    return kind(**layer.options)


@cache
def _loaded(study: str, source: str) -> ModuleType:
    """The study's nets.py, run once for each ``source``, the hash of its content; it leaves no compiled file."""
    path = Path("report") / study / "nets.py"
    module = ModuleType(f"report.{study}.nets")
    module.__file__ = str(path)
    # what classes are looked up by, those of dataclasses for example
    sys.modules[module.__name__] = module
    # a study's own code is run only where trusted_studies of config.yaml names the study
    exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)  # nosec B102
    return module


_foreign = Foreign(_build)
tensors, initialize, forward = _foreign.tensors, _foreign.initialize, _foreign.forward
