from pydantic import Field

from hwcore.analyses.spec import OF_RUNS, STEPS, AnalysisSpec
from hwcore.spec import Count
from hwcore.train.spec import Record


class Options(AnalysisSpec):
    """Gradient norm of each step beside the slope of the loss, and their rank correlation."""

    columns = OF_RUNS | {
        "step": "the step, counted from 1",
        "loss": "of the mini-batch",
        "grad_norm": "norm of the gradient by all parameters",
        "decrease": "minus the slope of the loss, which is smoothed by a moving average of `window` steps",
        "grad_norm_smoothed": "the norm, smoothed likewise",
        "grad_norm_deviation": "standard deviation of the norm over as many steps around, of which there are fewer at "
        "both ends",
        "spike": "whether the norm has a peak there whose prominence, as SciPy defines it, is larger than the moving "
        "average; missing from where a norm is not finite",
        "relation": "one number for each replicate: Spearman’s rank correlation of `grad_norm_smoothed` and "
        "`decrease` over all steps; NaN where one of them does not vary or is not finite",
    }
    labels = {
        "grad_norm": "gradient norm",
        "grad_norm_smoothed": "gradient norm (moving average)",
        "grad_norm_deviation": "gradient norm (moving standard deviation)",
    }

    window: Count = Field(50, description="steps of the moving average that smooths both")

    def unrecorded(self, record: Record) -> str | None:
        return None if record.steps else STEPS
