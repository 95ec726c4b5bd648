"""What all sources of data sets have in common, as config.yaml says it of a data set."""

import os
from typing import Any, ClassVar

from hwcore.spec import Spec


class SourceSpec(Spec):
    """The settings of one source, by which config.yaml describes a data set.

    ``places`` are those that say where it is fetched from and kept, and nothing about its content.  A source without
    any makes its images itself: it is a data set by its own name.  ``downloads`` says that a job fetches it first.
    ``train_samples`` is the number of training images, where the source alone decides it.
    """

    places: ClassVar[frozenset[str]] = frozenset()
    downloads: ClassVar[bool] = False
    train_samples: ClassVar[int | None] = None

    source: str

    def resolve(self, name: str) -> dict[str, Any]:
        """The settings of the data set ``name``, with what follows from them and what was left out.

        Raises ValueError, of one line that begins with the key, for settings that cannot be met.
        """
        settings = {key: value for key, value in self.model_dump(mode="json").items() if value not in (None, {})}
        return settings | {key: os.path.expanduser(settings[key]) for key in self.places & settings.keys()}
