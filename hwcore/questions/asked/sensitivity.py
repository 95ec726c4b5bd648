from hwcore.questions.question import Question


class Asked(Question):
    """A setting of the training is varied, such as the batch size, and the sensitivity to the input or the sharpness of
    the loss is measured; other measures of generalisation belong here too.
    """

    item = "1-3-3-2"
    title = "How do sensitivity and flatness go with generalisation?"
