# The pages: Markdown first, everything else from it.


rule markdown:
    input:
        lambda w: PLAN.inputs("markdown", w.study),
    output:
        "results/{scale}/report/{study}.md",
    log:
        "results/{scale}/logs/markdown/{study}.log",
    benchmark:
        "results/{scale}/benchmarks/markdown/{study}.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=lambda w: PLAN.arguments("markdown", w.study),
    message:
        "write the page of {wildcards.study}"
    shell:
        "exec python -IS hwcore/launch/client.py markdown {params.job} > {log} 2>&1"


rule html:
    input:
        lambda w: PLAN.inputs("html", w.study),
    output:
        "results/{scale}/report/{study}.html",
    log:
        "results/{scale}/logs/html/{study}.log",
    benchmark:
        "results/{scale}/benchmarks/html/{study}.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=lambda w: PLAN.arguments("html", w.study),
    message:
        "HTML of {wildcards.study}"
    shell:
        "exec python -IS hwcore/launch/client.py html {params.job} > {log} 2>&1"


rule latex:
    input:
        lambda w: PLAN.inputs("latex", w.study),
    output:
        "results/{scale}/report/{study}.tex",
    log:
        "results/{scale}/logs/latex/{study}.log",
    benchmark:
        "results/{scale}/benchmarks/latex/{study}.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=lambda w: PLAN.arguments("latex", w.study),
    message:
        "LaTeX of {wildcards.study}"
    shell:
        "exec python -IS hwcore/launch/client.py latex {params.job} > {log} 2>&1"


rule pdf:
    input:
        lambda w: PLAN.inputs("pdf", w.study),
    output:
        "results/{scale}/report/{study}.pdf",
    log:
        "results/{scale}/logs/pdf/{study}.log",
    benchmark:
        "results/{scale}/benchmarks/pdf/{study}.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=lambda w: PLAN.arguments("pdf", w.study),
    message:
        "PDF of {wildcards.study}"
    shell:
        "exec python -IS hwcore/launch/client.py pdf {params.job} > {log} 2>&1"


rule index:
    input:
        PLAN.inputs("index", "index"),
    output:
        "results/{scale}/report/index.html",
    log:
        "results/{scale}/logs/index.log",
    benchmark:
        "results/{scale}/benchmarks/index/index.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=PLAN.arguments("index", "index"),
    message:
        "index of all studies"
    shell:
        "exec python -IS hwcore/launch/client.py index {params.job} > {log} 2>&1"
