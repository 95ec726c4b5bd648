"""What the axes of figures call the columns of tables.

No figure imports this: a figure is given the labels of the columns that it shows, so that a new label makes only
the figures stale that show its column.
"""

from collections.abc import Iterable

LABELS = {
    "train_loss": "training loss",
    "test_loss": "test loss",
    "train_accuracy": "training accuracy",
    "test_accuracy": "test accuracy",
    "loss_gap": "loss gap (test − training)",
    "accuracy_gap": "accuracy gap (training − test)",
    "lr": "learning rate",
    "batch_size": "batch size (samples)",
    "parameters": "number of parameters",
    "seconds": "time (s)",
    "grad_norm": "gradient norm",
    "minimal_ratio": "minimal ratio (share of positive eigenvalues)",
    "negative_share": "index (share of negative eigenvalues)",
    "random_labels": "share of random labels",
    "epochs_to_fit": "epochs to fit",
    "steps_to_fit": "steps to fit",
    "jacobian_norm_logits": "Jacobian norm (logits)",
    "jacobian_norm_probabilities": "Jacobian norm (probabilities)",
    "loss_gradient_norm": "loss-gradient norm",
    "train_jacobian_norm_logits": "Jacobian norm (logits, training points)",
    "sharpness": "sharpness (%)",
    "adaptive_sharpness": "adaptive sharpness",
    "top_eigenvalue": "largest Hessian eigenvalue",
    "trace": "trace of the Hessian",
}


def labels(columns: Iterable[str]) -> dict[str, str]:
    """By column: its label, or its name in words."""
    return {column: LABELS.get(column, column.replace("_", " ")) for column in columns}
