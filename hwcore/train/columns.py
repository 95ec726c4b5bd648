"""What the tables of a run hold.

No training imports this, so that other words make none stale.
"""

METRICS = {
    "model": "the model",
    "replicate": "the replicate, counted from 0",
    "epoch": "the epoch, counted from 1",
    "train_loss": "mean over the epoch, while the weights change",
    "train_accuracy": "likewise, as a fraction; classification only",
    "test_loss": "of the whole test set after the epoch",
    "test_accuracy": "likewise, as a fraction; classification only",
    "validation_loss": "of the part held out, after the epoch, with `validation`",
    "validation_accuracy": "likewise, as a fraction; classification only",
    "last_batch_loss": "of the last mini-batch of the epoch before its update, with `record: {last_batch: true}`",
    "last_batch_test_loss": "of the last mini-batch of the test set, after the epoch",
    "last_batch_accuracy": "of that mini-batch, as a fraction; classification only",
    "last_batch_gradient_norm": "mean over parameter tensors of the norm of the gradient of that mini-batch",
    "stopped": "whether the replicate met its stopping rule in this epoch, with `until`",
    "lr": "the learning rate in the first step of the epoch",
    "seconds": "time since the start",
}
STEPS = {
    "model": "the model",
    "replicate": "the replicate, counted from 0",
    "step": "the step, counted from 1",
    "loss": "of the mini-batch",
    "grad_norm": "norm of the gradient by all parameters",
}
# What the axes of figures call them.
LABELS = {
    "train_loss": "training loss",
    "test_loss": "test loss",
    "train_accuracy": "training accuracy",
    "test_accuracy": "test accuracy",
    "validation_loss": "validation loss",
    "validation_accuracy": "validation accuracy",
    "last_batch_loss": "last-batch loss",
    "last_batch_test_loss": "last-batch test loss",
    "last_batch_accuracy": "last-batch accuracy",
    "last_batch_gradient_norm": "last-batch gradient norm",
    "lr": "learning rate",
    "seconds": "time (s)",
}
