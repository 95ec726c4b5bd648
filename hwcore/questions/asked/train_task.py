from hwcore.questions.question import Question


class Asked(Question):
    """Several networks learn a data set of images as it is."""

    item = "1-1-2"
    title = "How well do networks of equal size and different depth classify images?"
