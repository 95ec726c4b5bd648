# One table per analysis of an experiment, over all its models and replicates.


rule analyse:
    input:
        lambda w: PLAN.inputs("analyse", w.table),
    output:
        "results/{scale}/tables/{table}.parquet",
        "results/{scale}/tables/{table}.json",
    log:
        "results/{scale}/logs/analyse/{table}.log",
    benchmark:
        "results/{scale}/benchmarks/analyse/{table}.tsv"
    priority: lambda w: PLAN.longest_chain("analyse", w.table)
    conda:
        "../envs/analyses.yaml"
    threads: 1
    resources:
        gpu=int(config["device"] != "cpu"),
        mem_mb=lambda w, attempt: memory("analyse", w.table) * attempt,
        runtime=lambda w, attempt: PLAN.minutes("analyse", w.table) * attempt,
    params:
        job=lambda w: PLAN.arguments("analyse", w.table),
    message:
        "analyse {wildcards.table}"
    shell:
        "exec python -IS hwcore/launch/client.py analyse {params.job} > {log} 2>&1"


rule judge:
    input:
        lambda w: PLAN.inputs("judge", w.study),
    output:
        "results/{scale}/claims/{study}.parquet",
    log:
        "results/{scale}/logs/judge/{study}.log",
    benchmark:
        "results/{scale}/benchmarks/judge/{study}.tsv"
    localrule: True
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=lambda w: PLAN.arguments("judge", w.study),
    message:
        "judge the claims of {wildcards.study}"
    shell:
        "exec python -IS hwcore/launch/client.py judge {params.job} > {log} 2>&1"


rule summary:
    input:
        lambda w: PLAN.inputs("summary", "claims"),
    output:
        "results/{scale}/claims.parquet",
        "results/{scale}/claims.json",
    log:
        "results/{scale}/logs/summary.log",
    benchmark:
        "results/{scale}/benchmarks/summary/claims.tsv"
    localrule: True
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=lambda w: PLAN.arguments("summary", "claims"),
    message:
        "join the claims of all studies"
    shell:
        "exec python -IS hwcore/launch/client.py summary {params.job} > {log} 2>&1"
