from pydantic import Field

from hwcore.analyses.spec import STEPS, AnalysisSpec
from hwcore.spec import Count
from hwcore.train.spec import Record


class Options(AnalysisSpec):
    """Gradient norm of each step beside the slope of the loss, and their rank correlation."""

    labels = {
        "grad_norm": "gradient norm",
        "grad_norm_smoothed": "gradient norm (moving average)",
        "grad_norm_deviation": "gradient norm (moving standard deviation)",
    }

    window: Count = Field(50, description="steps of the moving average that smooths both")

    def unrecorded(self, record: Record) -> str | None:
        return None if record.steps else STEPS
