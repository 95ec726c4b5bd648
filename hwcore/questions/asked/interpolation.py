from hwcore.questions.question import Question


class Asked(Question):
    """The weights of two trained networks are mixed in several proportions."""

    item = "1-3-3-1"
    title = "How good are the networks on the line between two trained ones?"
