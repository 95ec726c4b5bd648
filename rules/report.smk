# The pages: Markdown first, everything else from it.


rule markdown:
    input:
        lambda w: PLAN.inputs("markdown", w.study),
    output:
        "results/{scale}/report/{study}.md",
    log:
        "results/{scale}/logs/markdown/{study}.log",
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
        "python -m workflow_scripts.markdown {params.job} > {log} 2>&1"


rule html:
    input:
        lambda w: PLAN.inputs("html", w.study),
    output:
        "results/{scale}/report/{study}.html",
    log:
        "results/{scale}/logs/html/{study}.log",
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
        "python -m workflow_scripts.html {params.job} > {log} 2>&1"


rule latex:
    input:
        lambda w: PLAN.inputs("latex", w.study),
    output:
        "results/{scale}/report/{study}.tex",
    log:
        "results/{scale}/logs/latex/{study}.log",
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
        "python -m workflow_scripts.latex {params.job} > {log} 2>&1"


rule pdf:
    input:
        lambda w: PLAN.inputs("pdf", w.study),
    output:
        "results/{scale}/report/{study}.pdf",
    log:
        "results/{scale}/logs/pdf/{study}.log",
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
        "python -m workflow_scripts.pdf {params.job} > {log} 2>&1"


rule index:
    input:
        PLAN.inputs("index", "index"),
    output:
        "results/{scale}/report/index.html",
    log:
        "results/{scale}/logs/index.log",
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
        "python -m workflow_scripts.index {params.job} > {log} 2>&1"
