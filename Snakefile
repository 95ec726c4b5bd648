# From data sets to the report.  `snakemake --cores 8 report` makes whatever is stale.

import os
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


# Jobs run `python -m workflow_scripts.<rule>` with this interpreter and this repository.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)
sys.path.insert(0, workflow.basedir)

from hwcore.errors import HwcoreError
from hwcore.workflow import Workflow

try:
    PLAN = Workflow(
        config, workflow.configfiles, sys.argv[1:], main=workflow.is_main_process
    )
except HwcoreError as error:
    sys.exit(f"error: {error}")


wildcard_constraints:
    scale=PLAN.scale,
    study="|".join(PLAN.studies),
    dataset=PLAN.pattern("prepare"),
    table=PLAN.pattern("analyse"),
    figure=PLAN.pattern("figure"),


localrules:
    report,
    data,
    figures,
    claims,


rule report:
    default_target: True
    input:
        PLAN.results(),
    message:
        "the report is complete"


rule data:
    input:
        PLAN.outputs("download", "prepare"),


rule figures:
    input:
        PLAN.outputs("figure"),


rule claims:
    input:
        PLAN.outputs("summary"),


include: "rules/data.smk"
include: "rules/train.smk"
include: "rules/analyses.smk"
include: "rules/figures.smk"
include: "rules/report.smk"
