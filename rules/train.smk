# One job trains all replicates of one model.  What else a run records makes it another rule,
# because the outputs of a rule are fixed.


rule train:
    input:
        lambda w: PLAN.inputs("train", w.run),
    output:
        "results/{scale}/runs/{run}/checkpoint.safetensors",
        "results/{scale}/runs/{run}/metrics.parquet",
        "results/{scale}/runs/{run}/run.json",
    log:
        "results/{scale}/logs/train/{run}.log",
    wildcard_constraints:
        run=PLAN.pattern("train", recorded=()),
    conda:
        "../envs/train.yaml"
    threads: lambda w: PLAN.threads(w.run, workflow.cores)
    resources:
        gpu=1,
        mem_mb=lambda w, attempt: PLAN.memory(w.run) * attempt,
        runtime=240,
    params:
        job=lambda w: PLAN.arguments("train", w.run),
    message:
        "train {wildcards.run}"
    shell:
        "python -m workflow_scripts.train {params.job} > {log} 2>&1"


use rule train as train_snapshots with:
    output:
        "results/{scale}/runs/{run}/checkpoint.safetensors",
        "results/{scale}/runs/{run}/metrics.parquet",
        "results/{scale}/runs/{run}/run.json",
        "results/{scale}/runs/{run}/snapshots.safetensors",
    wildcard_constraints:
        run=PLAN.pattern("train", recorded=("snapshots",)),


use rule train as train_steps with:
    output:
        "results/{scale}/runs/{run}/checkpoint.safetensors",
        "results/{scale}/runs/{run}/metrics.parquet",
        "results/{scale}/runs/{run}/run.json",
        "results/{scale}/runs/{run}/steps.parquet",
    wildcard_constraints:
        run=PLAN.pattern("train", recorded=("steps",)),


use rule train as train_snapshots_steps with:
    output:
        "results/{scale}/runs/{run}/checkpoint.safetensors",
        "results/{scale}/runs/{run}/metrics.parquet",
        "results/{scale}/runs/{run}/run.json",
        "results/{scale}/runs/{run}/snapshots.safetensors",
        "results/{scale}/runs/{run}/steps.parquet",
    wildcard_constraints:
        run=PLAN.pattern("train", recorded=("snapshots", "steps")),
