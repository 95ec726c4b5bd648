from hwcore.questions.question import Question


class Asked(Question):
    """The weights are recorded during training and projected on a plane; the loss around them belongs here too."""

    item = "1-2-1"
    title = "How do the weights move during training?"
