"""All replicates in one program of JAX."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from torch import nn

from benchmarks import plain
from hwcore.data.load import Data
from hwcore.train.spec import RunSpec

_ACTIVATIONS: dict[type[nn.Module], Callable[[jax.Array], jax.Array]] = {
    nn.ReLU: jax.nn.relu,
    nn.LeakyReLU: jax.nn.leaky_relu,
    nn.Tanh: jnp.tanh,
}


def program(spec: RunSpec, data: Data) -> Callable[[], None]:
    """All epochs of all replicates in JAX."""
    net = plain.build(spec.network, 0)
    modules = [module for module in net.modules() if isinstance(module, (nn.Linear, *_ACTIVATIONS))]
    sizes = [(module.in_features, module.out_features) for module in modules if isinstance(module, nn.Linear)]
    (x, y), (test_x, test_y) = (
        (jnp.asarray(inputs.flatten(1).numpy()), jnp.asarray(targets.numpy()))
        for inputs, targets in ((data.train_x, data.train_y), (data.test_x, data.test_y))
    )
    training = spec.training
    size, steps = training.batches(len(x))
    assert size * steps == len(x)
    assert training.epochs
    epochs = training.epochs
    optimizer = optax.adam(training.lr)

    def outputs(weights: Any, inputs: jax.Array) -> jax.Array:
        layers = iter(weights)
        for module in modules:
            if isinstance(module, nn.Linear):
                matrix, bias = next(layers)
                inputs = inputs @ matrix + bias
            elif type(module) in _ACTIVATIONS:
                inputs = _ACTIVATIONS[type(module)](inputs)
        return inputs

    def loss(weights: Any, inputs: jax.Array, targets: jax.Array) -> jax.Array:
        found = outputs(weights, inputs)
        if training.loss == "mse":
            return jnp.mean((found - targets) ** 2)
        return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(found, targets))

    def start(key: jax.Array) -> Any:
        keys = jax.random.split(key, len(sizes))
        bounds = [n**-0.5 for n, _ in sizes]
        return [
            (jax.random.uniform(each, shape, minval=-bound, maxval=bound), jnp.zeros(shape[1]))
            for each, shape, bound in zip(keys, sizes, bounds, strict=True)
        ]

    def epoch(state: Any, key: jax.Array) -> tuple[Any, tuple[jax.Array, jax.Array]]:
        order = jax.random.permutation(key, len(x)).reshape(steps, size)

        def step(state: Any, rows: jax.Array) -> tuple[Any, jax.Array]:
            weights, moments = state
            value, gradient = jax.value_and_grad(loss)(weights, x[rows], y[rows])
            updates, moments = optimizer.update(gradient, moments)
            return (optax.apply_updates(weights, updates), moments), value

        state, losses = jax.lax.scan(step, state, order)
        return state, (losses.mean(), loss(state[0], test_x, test_y))

    @jax.jit
    @jax.vmap
    def run(key: jax.Array) -> Any:
        first, second = jax.random.split(key)
        weights = start(first)
        return jax.lax.scan(epoch, (weights, optimizer.init(weights)), jax.random.split(second, epochs))[1]

    keys = jax.random.split(jax.random.key(0), spec.replicates)

    def work() -> None:
        # this waits for the end
        assert bool(jnp.isfinite(run(keys)[0]).all())

    return work
