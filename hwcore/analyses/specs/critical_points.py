from typing import Annotated, Literal

from pydantic import Field, model_validator

from hwcore.analyses.forms import is_perceptron
from hwcore.analyses.limits import EXACT_HESSIAN
from hwcore.analyses.spec import OF_WEIGHTS, WeightsAnalysis, too_many
from hwcore.data.spec import DataSpec
from hwcore.nets.spec import Network
from hwcore.spec import Count, NotNegative, Positive
from hwcore.train.spec import Training


class Options(WeightsAnalysis):
    """Points of zero gradient in float64 with their evidence, signs of the Hessian's eigenvalues, minimal ratios."""

    columns = OF_WEIGHTS | {
        "kind": "`found`, or `padded` for a saddle made of a smaller network (`saddles`)",
        "padded_units": "how many units of zero weights were added",
        "variant": "`as-trained`, `levenberg-marquardt`, or the `activation`",
        "weight_decay": "λ",
        "trained_loss": "the loss after training, without λ",
        "loss": "the loss at the point, without λ",
        "objective": "the loss with λ",
        "grad_norm": "‖∇L‖, of the objective",
        "flatness": "‖H∇L‖ / (λ_max ‖∇L‖), small where the gradient lies in a flat direction (Frye et al. 2021, "
        "arXiv:2003.10397)",
        "lipschitz": "a local estimate ρ of the Lipschitz constant of H; NaN without a solver",
        "tau": "the size below which an eigenvalue counts as zero: rounding, P ε λ_max, or √(ρ ‖∇L‖) where a solver "
        "ended at a distance from a critical point and that is more",
        "positive": "how many eigenvalues are above `tau`",
        "zero": "how many count as zero",
        "negative": "how many are below −`tau`",
        "minimal_ratio": "the share of positive eigenvalues",
        "negative_share": "the share of negative ones, the index of Pennington & Bahri 2017",
        "perturbation_ratio": "the share of random perturbations, by a thousandth of the norm of the weights, that "
        "raise the objective",
        "ratio_at_*": "`ratio_at_0.01` and so on: the share of eigenvalues above so many times λ_max",
        "largest": "the largest eigenvalue, λ_max",
        "smallest": "the smallest eigenvalue",
        "kantorovich": "the bound of Newton-Kantorovich in coordinates in which all curvatures are ±1; NaN unless "
        "converged",
        "kink_distance": "to the nearest weights where L is not smooth; infinite for smooth activations",
        "reports_loss": "the loss, without λ, where the reports stop, at ‖∇L‖ < 10⁻³",
        "reports_grad_norm": "the gradient norm there, with λ",
        "reports_ratio": "the share of all eigenvalues above 0 there, as the reports count it",
        "converged": "whether ‖∇L‖ is at most `tolerance`",
        "outcome": "why the search ended",
        "certified": "converged, and an exact, isolated critical point is near by Newton-Kantorovich (bound ≤ ½), "
        "with H nonsingular beyond rounding and no kink within the radius that the bound speaks of",
        "steps": "steps of the solvers",
        "restarts": "how often the search began anew",
    }
    labels = {
        "minimal_ratio": "minimal ratio",
        "negative_share": "index (share of negative eigenvalues)",
    }

    solver: Literal["none", "levenberg-marquardt"] = Field(
        description="none takes the trained weights as they are; levenberg-marquardt goes on to a zero gradient"
    )
    tolerance: Positive = Field(1e-6, description="the gradient norm at which a point counts as critical")
    activation: Literal["none", "tanh", "softplus"] = Field(
        "none", description="a smooth activation instead of the network's own; none keeps it"
    )
    weight_decay: NotNegative = Field(0.0, description="λ of the term λ/2 ‖θ‖² that is added to the loss")
    saddles: bool = Field(False, description="look for saddle points too, from smaller networks padded with zeros")
    restarts: Annotated[int, Field(ge=0, strict=True)] = Field(8, description="new starts where a search gets stuck")
    steps: Count = Field(
        300, description="steps of Levenberg-Marquardt at most from a start, twice as many from the first"
    )

    @model_validator(mode="after")
    def _options_belong_together(self) -> "Options":
        if self.activation != "none" and self.solver == "none":
            raise ValueError(
                f"activation: {self.activation} changes the trained network, so that it needs a solver: "
                "set solver: levenberg-marquardt"
            )
        if self.saddles and self.activation != "tanh":
            raise ValueError(f"saddles: they need `activation: tanh`, which is 0 at 0, not {self.activation}")
        return self

    def refuses(self, network: Network, data: DataSpec, training: Training) -> str | None:
        if self.solver != "none" and training.loss != "mse":
            return f"has the loss {training.loss}, and the solver needs mse"
        if self.activation != "none" and any(layer.inner() or not layer.stacks() for layer in network.layers):
            return "has activations within a block or module, and only those in the list of layers can be replaced"
        if self.saddles and not (is_perceptron(network) and len(network.weighted()) > 1):
            return "is not a perceptron with biases and a hidden layer, as `saddles` needs it"
        return too_many(network, EXACT_HESSIAN, "an exact Hessian")
