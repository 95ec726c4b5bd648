"""A question that several studies answer, each by experiments of its own.

The questions are those of the assignment behind the published reports.  Each is a module in hwcore/questions/asked/,
so that a further one is one file.  A study's experiment names the question that it answers by its id, which is the
name of the module with hyphens.
"""

from typing import ClassVar


class Question:
    """A question; the docstring of a subclass says which experiments answer it."""

    # its place among the questions, as the assignment counts them
    item: ClassVar[str]
    title: ClassVar[str]
