from hwcore.questions.question import Question


class Asked(Question):
    """The loss and the norm of its gradient are recorded at each step."""

    item = "1-2-2"
    title = "How does the gradient norm change while the loss falls?"
