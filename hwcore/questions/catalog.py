"""All questions by id, in the order in which the assignment asks them."""

from hwcore.kinds import kinds
from hwcore.questions.question import Question
from hwcore.validation import did_you_mean

QUESTIONS: dict[str, type[Question]] = {
    name.replace("_", "-"): question
    for name, question in sorted(
        kinds("hwcore.questions.asked", "Asked", Question).items(), key=lambda each: each[1].item
    )
}


def known(id: str) -> str:
    """The id of a question.  Raises ValueError, with the nearest one, for any other text."""
    if id not in QUESTIONS:
        raise ValueError(f"unknown question {id!r}{did_you_mean(id, QUESTIONS)}")
    return id
