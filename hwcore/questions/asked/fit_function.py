from hwcore.questions.question import Question


class Asked(Question):
    """Networks of one input learn a function of one variable; the networks differ in depth."""

    item = "1-1-1"
    title = "How well do networks of equal size and different depth fit a function?"
