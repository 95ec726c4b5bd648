from hwcore.questions.question import Question


class Asked(Question):
    """Networks of many sizes are trained alike and evaluated on the training and the test set."""

    item = "1-3-2"
    title = "How does the number of parameters affect generalisation?"
