# From data sets to the report.  `snakemake --cores 8 report` makes whatever is stale.

import gc
import os
import sys
import threading
import time
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")

# A graph of thousands of jobs is all alive: to look for garbage in it again and again takes a fifth of the time.
gc.set_threshold(1_000_000, 50, 100)


configfile: "config.yaml"


# The text at the beginning of `snakemake --report`.
report: "report/workflow.rst"


# Jobs run with this interpreter, in this repository.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)
sys.path.insert(0, workflow.basedir)

from hwcore import calls, cluster, gpus
from hwcore.console import Console
from hwcore.errors import HwcoreError
from hwcore.launch import servers
from hwcore.machine import machine
from hwcore.planned import Submitted
from hwcore.provenance import failures, remember_commit
from hwcore.train.memory import GPU
from hwcore.validation import did_you_mean

# A job on a cluster is planned by the call that submitted it, and starts directly.
MAIN = workflow.is_main_process
DEPLOYED = bool(workflow.deployment_settings.deployment_method)
os.environ.pop(servers.VARIABLE, None)
# what that call learnt about the cluster holds for its jobs
if MAIN:
    os.environ.pop(cluster.VARIABLE, None)
elif cluster.VARIABLE in os.environ:
    workflow.register_resource("gpu", 0)
# The cores that trainings share; None on a cluster, where a job may use as many as a node has.
CORES = workflow.resource_settings.cores if MAIN else None
GPUS = len(machine()["accelerators"])

if MAIN:
    Console.attach(workflow)
try:
    if MAIN:
        if workflow.resource_settings.nodes is None:
            gpus.check_visible(os.environ.get(gpus.VARIABLE), GPUS)
        dryrun = workflow.output_settings.dryrun
        alone = None if dryrun else calls.hold()
        # slow to load, and no job on a node plans
        from hwcore import records
        from hwcore.preview import Preview
        from hwcore.workflow import Workflow

        PLAN = Workflow(
            config,
            workflow.configfiles,
            sys.argv[1:],
            deployed=DEPLOYED,
            cores=CORES,
        )
        os.environ.update(HWCORE_CALLED=repr(time.time()))
        # a look at what is stale does not change the plan of a call that works here
        changed = (
            set()
            if dryrun and calls.busy()
            else records.write(PLAN.plan, alone=alone is not False, dry=dryrun)
        )
        if dryrun:
            Preview.attach(workflow, PLAN.plan)
    else:
        PLAN = Submitted(config["scale"], sys.argv)
except HwcoreError as error:
    sys.exit(f"error: {error}")

# Packages load while Snakemake builds its graph, if jobs changed and run here.  Programs that Snakemake
# provides have another interpreter, which starts its jobs itself.
SERVED = MAIN and not DEPLOYED and not workflow.output_settings.dryrun
if SERVED and changed and workflow.resource_settings.nodes is None:
    servers.start(changed)


onsuccess:
    finish()


onerror:
    finish()


onstart:
    if MAIN:
        try:
            if alone:
                cancel_left()
            if workflow.executor_plugin.name == "slurm":
                begin_on_cluster()
            elif workflow.resource_settings.nodes is None:
                check_machine()
        except HwcoreError as error:
            sys.exit(f"error: {error}")
        remember_commit()
        if SERVED and servers.VARIABLE not in os.environ:
            servers.start()


wildcard_constraints:
    scale=PLAN.scale,
    study=PLAN.pattern("judge"),
    page=PLAN.pattern("html"),
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
        lambda w: PLAN.results(),
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


include: "rules/call.smk"


compare_parameters_as_text()
if MAIN:
    compare_fingerprints()


include: "rules/data.smk"
include: "rules/train.smk"
include: "rules/analyses.smk"
include: "rules/figures.smk"
include: "rules/report.smk"


check_names()
