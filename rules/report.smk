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


rule questions:
    input:
        lambda w: PLAN.inputs("questions", "questions"),
    output:
        "results/{scale}/report/questions.md",
    log:
        "results/{scale}/logs/questions.log",
    benchmark:
        "results/{scale}/benchmarks/questions/questions.tsv"
    localrule: True
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        job=lambda w: PLAN.arguments("questions", "questions"),
    message:
        "write the page across studies"
    shell:
        "exec python -IS hwcore/launch/client.py questions {params.job} > {log} 2>&1"


rule html:
    input:
        lambda w: PLAN.inputs("html", w.page),
    output:
        report(
            "results/{scale}/report/{page}.html",
            caption="../report/caption.rst",
            category=lambda w: shown(w.page).category,
            subcategory=lambda w: shown(w.page).subcategory,
            labels=lambda w: shown(w.page).labels,
        ),
    log:
        "results/{scale}/logs/html/{page}.log",
    benchmark:
        "results/{scale}/benchmarks/html/{page}.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=lambda w: PLAN.arguments("html", w.page),
    message:
        "HTML of {wildcards.page}"
    shell:
        "exec python -IS hwcore/launch/client.py html {params.job} > {log} 2>&1"


rule latex:
    input:
        lambda w: PLAN.inputs("latex", w.page),
    output:
        "results/{scale}/report/{page}.tex",
    log:
        "results/{scale}/logs/latex/{page}.log",
    benchmark:
        "results/{scale}/benchmarks/latex/{page}.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=lambda w: PLAN.arguments("latex", w.page),
    message:
        "LaTeX of {wildcards.page}"
    shell:
        "exec python -IS hwcore/launch/client.py latex {params.job} > {log} 2>&1"


rule pdf:
    input:
        lambda w: PLAN.inputs("pdf", w.page),
    output:
        "results/{scale}/report/{page}.pdf",
    log:
        "results/{scale}/logs/pdf/{page}.log",
    benchmark:
        "results/{scale}/benchmarks/pdf/{page}.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=lambda w: PLAN.arguments("pdf", w.page),
    message:
        "PDF of {wildcards.page}"
    shell:
        "exec python -IS hwcore/launch/client.py pdf {params.job} > {log} 2>&1"


rule index:
    input:
        lambda w: PLAN.inputs("index", "index"),
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
        job=lambda w: PLAN.arguments("index", "index"),
    message:
        "index of all studies"
    shell:
        "exec python -IS hwcore/launch/client.py index {params.job} > {log} 2>&1"


# All that was made as an RO-Crate: not part of the report, since it hashes every file.
rule crate:
    input:
        lambda w: PLAN.inputs("crate", "crate"),
    output:
        f"results/{PLAN.scale}/ro-crate-metadata.json",
        directory(f"results/{PLAN.scale}/workflow"),
    log:
        f"results/{PLAN.scale}/logs/crate.log",
    benchmark:
        f"results/{PLAN.scale}/benchmarks/crate/crate.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        job=lambda w: PLAN.arguments("crate", "crate"),
    message:
        "describe the results as an RO-Crate"
    shell:
        "exec python -IS hwcore/launch/client.py crate {params.job} > {log} 2>&1"
