# Data sets, shared by all scales.


rule download:
    output:
        "resources/data/{dataset}.json",
    log:
        "resources/logs/download/{dataset}.log",
    benchmark:
        "resources/benchmarks/download/{dataset}.tsv"
    wildcard_constraints:
        dataset=PLAN.pattern("download"),
    priority: lambda w: PLAN.longest_chain("download", w.dataset)
    localrule: True
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        job=lambda w: PLAN.arguments("download", w.dataset),
    message:
        "download {wildcards.dataset}"
    shell:
        "exec python -IS hwcore/launch/client.py download {params.job} > {log} 2>&1"


rule prepare:
    input:
        lambda w: PLAN.inputs("prepare", w.dataset),
    output:
        "resources/data/{dataset}.safetensors",
        "results/data/{dataset}.json",
    log:
        "resources/logs/prepare/{dataset}.log",
    benchmark:
        "resources/benchmarks/prepare/{dataset}.tsv"
    priority: lambda w: PLAN.longest_chain("prepare", w.dataset)
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        job=lambda w: PLAN.arguments("prepare", w.dataset),
    message:
        "prepare {wildcards.dataset}"
    shell:
        "exec python -IS hwcore/launch/client.py prepare {params.job} > {log} 2>&1"
