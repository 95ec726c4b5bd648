# One job trains all replicates of one model.  What else a run records makes it another rule,
# because the outputs of a rule are fixed: train, train_snapshots, train_steps, ...


for recorded in PLAN.recorded():

    rule:
        name:
            "_".join(["train", *recorded])
        input:
            lambda w: PLAN.inputs("train", w.run),
        output:
            PLAN.run_files(recorded),
        log:
            "results/{scale}/logs/train/{run}.log",
        benchmark:
            "results/{scale}/benchmarks/train/{run}.tsv"
        wildcard_constraints:
            run=PLAN.pattern("train", recorded),
        priority: lambda w: PLAN.longest_chain("train", w.run)
        conda:
            "../envs/train.yaml"
        threads: lambda w: PLAN.threads(w.run, CORES)
        resources:
            gpu=int(config["device"] != "cpu"),
            mem_mb=lambda w, attempt: memory("train", w.run) * attempt,
            runtime=lambda w, threads, attempt: PLAN.minutes("train", w.run, threads)
            * attempt,
        params:
            job=lambda w: PLAN.arguments("train", w.run),
        message:
            "train {wildcards.run}"
        shell:
            "exec python -IS hwcore/launch/client.py train {params.job} > {log} 2>&1"
