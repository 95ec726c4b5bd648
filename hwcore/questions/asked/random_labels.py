from hwcore.questions.question import Question


class Asked(Question):
    """Networks are trained on labels that are wholly or partly random."""

    item = "1-3-1"
    title = "Can a network fit random labels?"
