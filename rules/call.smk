# What is done at the start and at the end of a call, and for Snakemake's own report.

import contextlib
import io
import re

from snakemake.cli import parse_args
from snakemake.persistence import PersistenceBase


def compare_parameters_as_text():
    """Snakemake would load pandas, a sixth of a call with nothing to do, to see whether a parameter is a table."""
    # all parameters here are strings, which both methods write alike
    PersistenceBase._serialize_param_pandas = PersistenceBase._serialize_param_builtin


def compare_fingerprints():
    """Let the record of each job decide whether its results are stale, and Snakemake's where it left none.

    Snakemake writes one at the end of a job that it sees, by hand and on a node whose call was killed none.  Results
    of which neither says what they were made from are stale.
    """
    recorded, changed = PersistenceBase.has_metadata, PersistenceBase.params_changed
    checksums = PersistenceBase.input_checksums

    def is_stale(self, job, file=None):
        # targets such as `report` make nothing
        stale = PLAN.is_stale(job.output[0]) if job.output else False
        if stale is None:
            return changed(self, job, file) if recorded(self, job) else True
        return stale

    def as_read(self, job, path):
        checksum = PLAN.checksum(job.output[0], str(path))
        return {f"sha256:{checksum}"} if checksum else checksums(self, job, path)

    PersistenceBase.has_metadata = lambda self, job: True
    PersistenceBase.has_outdated_metadata = lambda self, job: False
    PersistenceBase.params_changed = is_stale
    PersistenceBase.input_checksums = as_read


def check_names():
    """Refuse a target that no rule is called, or one that makes many files, of which some are to be named."""
    rules = {rule.name: rule.has_wildcards() for rule in workflow.rules}
    # to read the command line a second time takes longer than to see that all of its words are rules
    if not MAIN or not any(rules.get(word, True) for word in words(sys.argv[1:])):
        return
    # it says again which profile is used
    with contextlib.redirect_stderr(io.StringIO()):
        _, arguments = parse_args(sys.argv[1:])
    for name in words(arguments.targets):
        if rules.get(name, True) and not Path(name).exists():
            known = [rule for rule, wildcards in rules.items() if not wildcards]
            sys.exit(
                f"error: target {name}: there is none of that name{did_you_mean(name, known)}"
            )


def words(arguments):
    return [argument for argument in arguments if re.fullmatch("[A-Za-z_]+", argument)]


def shown(name):
    """How Snakemake's report shows a figure or a page; nothing else asks.

    Captions see the configuration.  As parameters of jobs they would draw figures again.
    """
    entry = PLAN.shown(name)
    config.setdefault("captions", {})[name] = entry.caption
    return entry


def memory(rule, name):
    """What a training or an analysis is given, in MB, with a GPU's share of it where the job may have one."""
    on_cluster = workflow.executor_plugin and workflow.executor_plugin.name == "slurm"
    gpu = cluster.VARIABLE not in os.environ if on_cluster else GPUS > 0
    return PLAN.memory(rule, name) + (GPU if gpu and config["device"] != "cpu" else 0)


def check_machine():
    """Refuse what would wait for ever here, or fail in each job."""
    if CORES == 0:
        raise HwcoreError("--cores 0: no job can run; give 1 or more, or `all`")
    if config["device"] == "cuda" and not GPUS:
        if any("gpu" in job.rule.resources for job in workflow.dag.needrun_jobs()):
            raise HwcoreError(
                "device: cuda, but this machine has no GPU; use `auto` or `cpu`"
            )


def cancel_left():
    """Cancel what a call that was killed left on the cluster: it would write the same files."""
    left = cluster.cancel_left()
    if left:
        jobs = "1 job" if left == 1 else f"{left} jobs"
        print(
            f"A call that was killed left {jobs} on the cluster. They are cancelled, and submitted again if needed.",
            file=sys.stderr,
        )


def begin_on_cluster():
    """Check what will be submitted, and prepare for the death of Slurm's controller and of this process."""
    fit_to_cluster()
    outlast_outages()
    cluster.begin(workflow.scheduler._executor.run_uuid)


def outlast_outages():
    """Go on with all jobs when Slurm does not answer, and end those that it has forgotten.

    The plugin drops the jobs of a look without an answer, and waits for ever for them and for jobs that the
    controller lost with its state.
    """
    import snakemake_executor_plugin_slurm as plugin

    ask, seen = plugin.query_job_status, set()

    async def answer(command, logger):
        states, seconds = await ask(command, logger)
        if states is None:
            return {}, 0.0
        lost = seen - states.keys() if command.startswith("squeue") else ()
        seen.update(states)
        # taken for finished: then Snakemake looks for the files, and a job without them has failed
        return {**states, **dict.fromkeys(lost, "UNKNOWN")}, seconds

    plugin.query_job_status = answer


def finish():
    """What is left to do when no job runs any more."""
    if MAIN and workflow.executor_plugin.name == "slurm":
        cluster.end(workflow.scheduler._executor.run_uuid)
    cancel_timers()
    if MAIN:
        end_with_missing_figures()


def fit_to_cluster():
    """Ask for no more CPUs than a node has, and for no GPU where there is none; refuse what no node can meet."""
    # what other clusters have is not asked, and with a list of partitions the plugin selects one that fits
    if (
        workflow.executor_settings.partition_config
        or "SNAKEMAKE_SLURM_PARTITIONS" in os.environ
    ):
        return
    jobs = [
        job
        for job in workflow.dag.needrun_jobs()
        if not job.is_local
        and not {"cluster", "clusters", "slurm_cluster"} & {*job.rule.resources}
    ]
    if not jobs:
        return
    nodes = cluster.Cluster.ask()
    # not job.resources: they stay as they are when they are first asked for
    partitions = {
        job.rule.expand_resources(job.wildcards_dict, job.input, job.attempt).get(
            "slurm_partition"
        )
        for job in jobs
    }
    largest = nodes.cpus(partitions)
    # Snakemake passes this limit on to its processes on the nodes
    settings = workflow.resource_settings
    settings.max_threads = min(settings.max_threads or largest, largest)
    if not nodes.gpus and any(job.rule.resources.get("gpu") for job in jobs):
        if config["device"] == "cuda":
            raise HwcoreError(
                "device: cuda, but no node of the cluster has a GPU; use `auto` or `cpu`"
            )
        print("No node of the cluster has a GPU: jobs run on CPUs.", file=sys.stderr)
        os.environ[cluster.VARIABLE] = "1"
        workflow.register_resource("gpu", 0)
    nodes.check((job.rule.name, job.threads, job.resources) for job in jobs)
    cluster.try_out((job.rule.name, job.resources) for job in jobs)


def cancel_timers():
    """Snakemake would wait for the last of its timers, which has nothing left to do: up to a second."""
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()


def end_with_missing_figures():
    """End with an error if a figure could not be drawn, as its page says in its place.

    Without its recipe it is not there for Snakemake, so that the same command tries again.
    """
    drawn = {
        PLAN.jobs["figure", job.wildcards.figure].outputs["recipe"]: job
        for job in workflow.dag.jobs
        if job.rule.name == "figure" and workflow.dag.needrun(job)
    }
    failed = failures(drawn)
    if not failed:
        return
    for path, reason in failed.items():
        path.unlink()
        job = drawn[path]
        print(f"failed: {job.message}: {reason} (log: {job.log[0]})", file=sys.stderr)
    count = "1 figure" if len(failed) == 1 else f"{len(failed)} figures"
    sys.exit(
        f"error: {count} could not be drawn; the pages say so, and the same command tries again"
    )
