"""Training as the reports wrote it: one network at a time, a DataLoader, `.item()` at each step."""

from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchvision import transforms

from hwcore.data.load import Data
from hwcore.nets.network import initialize
from hwcore.nets.spec import Network
from hwcore.train.spec import Training

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh}


class Images(Dataset[tuple[Tensor, int]]):
    """Images as files or torchvision's own sets give them: one at a time, transformed one at a time."""

    def __init__(self, images: Tensor, labels: Tensor, mean: list[float], std: list[float]) -> None:
        self.images = [Image.fromarray(image.permute(1, 2, 0).squeeze(-1).numpy()) for image in images]
        self.labels = labels.tolist()
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.images[index]), self.labels[index]


def build(network: Network, seed: int) -> nn.Sequential:
    """The network as torch modules, with the initial weights that hwcore draws from ``seed``."""
    layers: list[nn.Module] = [] if len(network.input) == 3 else [nn.Flatten()]
    for layer, shape in zip(network.layers, network.shapes()[:-1], strict=True):
        layers.append(_module(layer, shape))
    net = nn.Sequential(*layers)
    weights, _ = initialize(network, [seed])
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), weights.values(), strict=True):
            parameter.copy_(value[0])
    return net


def _module(layer: Any, shape: tuple[int, ...]) -> nn.Module:
    if layer.kind == "linear":
        return nn.Linear(shape[0], layer.out)
    if layer.kind == "conv":
        return nn.Conv2d(shape[0], layer.channels, layer.kernel, layer.stride, layer.padding)
    if layer.kind == "batch_norm":
        return nn.BatchNorm2d(shape[0]) if len(shape) == 3 else nn.BatchNorm1d(shape[0])
    if layer.kind == "max_pool":
        return nn.MaxPool2d(layer.size)
    if layer.kind == "global_average_pool":
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    if layer.kind == "dropout":
        return nn.Dropout(layer.p)
    return nn.Flatten() if layer.kind == "flatten" else ACTIVATIONS[layer.kind]()


def loaders(data: Data | tuple[Images, Images], training: Training) -> list[DataLoader[Any]]:
    if isinstance(data, Data):
        sets: Any = [TensorDataset(data.train_x, data.train_y), TensorDataset(data.test_x, data.test_y)]
    else:
        sets = data
    size = len(sets[0]) if training.batch_size == "full" else training.batch_size
    return [DataLoader(part, batch_size=size, shuffle=i == 0) for i, part in enumerate(sets)]


def fit(net: nn.Module, parts: list[DataLoader[Any]], training: Training, where: torch.device) -> float:
    """Train whole epochs; returns the test accuracy after the last (of a regression its loss)."""
    criterion = nn.MSELoss() if training.loss == "mse" else nn.CrossEntropyLoss()
    net.to(where)
    optimizer = torch.optim.Adam(net.parameters(), lr=training.lr, weight_decay=training.weight_decay)
    result = 0.0
    for _ in range(training.epoch_count(len(parts[0]))):
        running, right = 0.0, 0
        net.train()
        for batch in parts[0]:
            x, y = (part.to(where) for part in batch)
            optimizer.zero_grad()
            out = net(x)
            loss = criterion(out, y)
            loss.backward()
            optimizer.step()
            running += loss.item()
            if training.loss != "mse":
                right += (out.argmax(1) == y).sum().item()
        net.eval()
        test_loss, test_right, count = 0.0, 0, 0
        with torch.no_grad():
            for batch in parts[1]:
                x, y = (part.to(where) for part in batch)
                out = net(x)
                test_loss += criterion(out, y).item()
                count += len(y)
                if training.loss != "mse":
                    test_right += (out.argmax(1) == y).sum().item()
        result = test_loss / len(parts[1]) if training.loss == "mse" else test_right / count
    return result
