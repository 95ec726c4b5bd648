# One job per figure: after a change in one kind of figure only its own are drawn again.


rule figure:
    input:
        lambda w: PLAN.inputs("figure", w.figure),
    output:
        report(
            "results/{scale}/figures/{figure}.svg",
            caption="../report/caption.rst",
            category=lambda w: shown(w.figure).category,
            subcategory=lambda w: shown(w.figure).subcategory,
            labels=lambda w: shown(w.figure).labels,
        ),
        "results/{scale}/figures/{figure}.pdf",
        "results/{scale}/figures/{figure}.png",
        "results/{scale}/figures/{figure}.data.json",
        "results/{scale}/figures/{figure}.csv",
        "results/{scale}/figures/{figure}.json",
    log:
        "results/{scale}/logs/figure/{figure}.log",
    benchmark:
        "results/{scale}/benchmarks/figure/{figure}.tsv"
    localrule: True
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=lambda w: PLAN.arguments("figure", w.figure),
    message:
        "draw {wildcards.figure}"
    shell:
        "exec python -IS hwcore/launch/client.py figure {params.job} > {log} 2>&1"
