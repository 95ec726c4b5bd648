# What is done at the start and at the end of a call, and for Snakemake's own report.

from snakemake.persistence import PersistenceBase


def compare_parameters_as_text():
    """Snakemake would load pandas, a sixth of a call with nothing to do, to see whether a parameter is a table."""
    # all parameters here are strings, which both methods write alike
    PersistenceBase._serialize_param_pandas = PersistenceBase._serialize_param_builtin


def shown(name):
    """How Snakemake's report shows a figure or a page; nothing else asks.

    Captions see the configuration.  As parameters of jobs they would draw figures again.
    """
    entry = PLAN.shown(name)
    config.setdefault("captions", {})[name] = entry.caption
    return entry


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
    if not nodes.gpus and any("gpu" in job.rule.resources for job in jobs):
        print("No node of the cluster has a GPU: jobs run on CPUs.", file=sys.stderr)
        os.environ[cluster.VARIABLE] = "1"
        workflow.register_resource("gpu", 0)
    nodes.check((job.rule.name, job.threads, job.resources) for job in jobs)


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
        PLAN.recipe(job.wildcards.figure): job
        for job in workflow.dag.jobs
        if job.rule.name == "figure" and workflow.dag.needrun(job)
    }
    failed = absent.undrawn(drawn)
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
