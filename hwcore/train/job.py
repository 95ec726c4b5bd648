"""The description of one training job, as it goes into the fingerprint and into run.json."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hwcore.data.spec import DatasetData, FunctionData
from hwcore.nets.spec import Network
from hwcore.train.spec import Record, Training


class TrainingJob(BaseModel):
    """Everything that decides the outcome of a training job: all replicates of one model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    study: str
    experiment: str
    model: str
    network: Network
    data: FunctionData | DatasetData
    training: Training
    record: Record = Record()
    replicates: Annotated[int, Field(gt=0)]
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
