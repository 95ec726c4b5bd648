from hwcore.questions.question import Question


class Asked(Question):
    """The share of positive eigenvalues of the Hessian is taken where training or a solver ends."""

    item = "1-2-3"
    title = "How does the loss depend on the minimal ratio where the gradient is almost zero?"
