from hwcore.analyses.spec import WeightsAnalysis


class Options(WeightsAnalysis):
    """Loss, accuracy and their gaps on the whole training and test set."""

    labels = {
        "loss_gap": "loss gap (test − training)",
        "accuracy_gap": "accuracy gap (training − test)",
        "batch_size": "batch size (samples)",
        "parameters": "number of parameters",
    }
