"""Titles, captions and prose say what was run, at every scale and in every variant."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import ROOT, Project
from hwcore.config import parse
from hwcore.errors import HwcoreError
from hwcore.studies.resolved import Study
from hwcore.studies.study import load

STUDY = """
title: T
replicates: 5
experiments:
  fit:
    section: "1"
    title: Networks fit {function}
    data: {function: cos(x), domain: [-3.5, 3], samples: 40, test_samples: 20}
    training: {optimizer: adam, lr: 0.001, loss: mse, epochs: 2000, batch_size: full, until: {loss: 0.001}}
    replicates: 20
    models:
      small: {label: S, mlp: [1, 3, 1]}
      large: {label: L, mlp: [1, 900, 1], training: {lr: 0.01}, data: {samples: 50}}
    analyses:
      optimum: {steps: 100}
    figures:
      loss:
        kind: curves
        y: [train_loss]
        caption: >-
          CAPTION
    VARIANTS
  sort:
    section: "2"
    title: On {dataset}
    data: {dataset: mnist}
    training: {optimizer: adam, lr: 0.001, loss: cross_entropy, epochs: 100, batch_size: 50}
    models:
      m: {label: M, mlp: [784, 10]}
    figures:
      loss: {kind: curves, y: [train_loss], original: Figure 5, caption: "The loss at {lr}."}
"""


def study(tmp_path: Path, caption: str, variants: str = "", scale: str = "quick", rest: str = "") -> Study:
    (tmp_path / "s").mkdir(exist_ok=True)
    text = STUDY.replace("CAPTION", caption).replace("VARIANTS", f"variants: {variants}" if variants else "") + rest
    (tmp_path / "s/study.yaml").write_text(text)
    raw = {**yaml.safe_load((ROOT / "config.yaml").read_text()), "scale": scale}
    return load("s", tmp_path, parse(raw, ["config.yaml"]))


def caption(tmp_path: Path, text: str, **options: Any) -> str:
    return study(tmp_path, text, **options).experiments["fit"].figures["loss"].caption


BANDS = "Lines are means over {} replicates, bands their 95 % intervals."


@pytest.mark.parametrize(
    ("text", "quick", "full"),
    [
        ("{epochs} epochs", "500 (full scale: 2,000) epochs", "2,000 epochs"),
        ("{lr} on {domain}", "0.001 and 0.01 on [−3.5, 3]", "0.001 and 0.01 on [−3.5, 3]"),
        ("{large.lr} on {function}", "0.01 on cos x", "0.01 on cos x"),
        ("{parameters} parameters", "10 and 2,701 parameters", "10 and 2,701 parameters"),
        ("{samples:.0f} samples", "40 and 50 samples", "40 and 50 samples"),
        ("until {until.loss:.0e}", "until 1e-03", "until 1e-03"),
        ("up to {until.loss:.1%}", "up to 0.1 %", "up to 0.1 %"),
        ("{optimum.steps} steps", "50 (full scale: 100) steps", "100 steps"),
        ("{{epochs}}", "{epochs}", "{epochs}"),
    ],
)
def test_a_caption_is_filled_from_resolved_settings(tmp_path: Path, text: str, quick: str, full: str) -> None:
    bands = {"quick": "6 (full scale: 20)", "full": "20"}
    for scale, expected in (("quick", quick), ("full", full)):
        assert caption(tmp_path, text, scale=scale) == f"{expected} {BANDS.format(bands[scale])}"


def test_titles_say_what_stands_in_for_a_data_set(tmp_path: Path) -> None:
    titles = {scale: study(tmp_path, "x", scale=scale).experiments["sort"].title for scale in ("quick", "full")}
    assert titles == {"quick": "On digits (full scale: MNIST)", "full": "On MNIST"}


def test_the_counterpart_of_a_figure_is_a_sentence(tmp_path: Path) -> None:
    found = study(tmp_path, "x", scale="full").experiments["sort"].figures["loss"]
    each = "Thick lines are means over 5 replicates, thin lines the replicates themselves."
    assert found.caption == f"The loss at 0.001. {each} The counterpart of the original’s Figure 5."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{epoch} epochs",
            r"study.yaml:\d+: experiments.fit.figures.loss.caption: there is no setting 'epoch'; did you",
        ),
        ("{label}", r"'label' differs between the models \(S, L\): name one, as in `model.label`"),
        ("{lr:x}", "'lr': 0.001 cannot be written as 'x'"),
        ("{lr", "braces hold the name of a value"),
        ("in {steps} steps", "'steps' has no value here"),
        ("{reported_parameters} reported", "'reported_parameters' has no value here"),
    ],
)
def test_a_placeholder_that_nothing_answers_to(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(HwcoreError, match=message):
        caption(tmp_path, text)


RUN = "{as-run: {why: so, %s}}"


@pytest.mark.parametrize(
    ("text", "difference", "message"),
    [
        ("after 2,000 epochs", "training: {epochs: 50}", r"says '2,000', but here epochs is 50: write \{epochs\}, or"),
        ("after 2000 epochs.", "training: {epochs: 50}", "says '2,000', but here epochs is 50"),
        ("they learn cos x", "data: {function: sin(3*pi*x)}", r"says 'cos x', but here function is sin\(3πx\)"),
        ("at 0.01, all", "models: {large: {training: {lr: 0.5}}}", r"says '0.01', but here large.lr is 0.5"),
        ("of 20 trainings", "replicates: 3", "says '20', but here replicates is 3"),
        ("{epochs} steps, 100 more", "analyses: {optimum: {steps: 7}}", "says '100', but here optimum.steps is 7"),
        # at quick both have 1,000 epochs: what is written must hold at every scale
        ("after 2,000 epochs", "training: {epochs: 3000}", "says '2,000', but here epochs is 3,000"),
    ],
)
def test_a_variant_that_changes_what_a_caption_states_in_letters(
    tmp_path: Path, text: str, difference: str, message: str
) -> None:
    caption(tmp_path, text)
    with pytest.raises(HwcoreError, match=f"fit--as-run.figures.loss.caption: {message}"):
        caption(tmp_path, text, variants=RUN % difference)
    # a text of its own may say anything
    own = f"{difference}, figures: {{loss: {{caption: other}}}}"
    assert caption(tmp_path, text, variants=RUN % own)


@pytest.mark.parametrize(
    ("text", "difference"),
    [
        ("after {epochs} epochs", "training: {epochs: 50}"),
        ("Figure 12,000 and 2,000.5, x2000", "training: {epochs: 50}"),
        ("cos x", "training: {epochs: 50}"),
        # widths of layers
        ("784-2000-10, 2000-10 and 784-2000", "training: {epochs: 50}"),
    ],
)
def test_a_caption_that_stays_true_in_a_variant(tmp_path: Path, text: str, difference: str) -> None:
    found = study(tmp_path, text, variants=RUN % difference, scale="full")
    texts = [found.experiments[id].figures["loss"].caption for id in ("fit", "fit--as-run")]
    assert texts[1] == texts[0].replace("2,000 epochs", "50 epochs")


def test_a_title_too_is_held_against_its_variants(tmp_path: Path) -> None:
    text = STUDY.replace("Networks fit {function}", "Networks fit cos x")
    (tmp_path / "s").mkdir()
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    variants = "variants: {as-run: {data: {function: sin(3*pi*x)}}}"
    (tmp_path / "s/study.yaml").write_text(text.replace("VARIANTS", variants))
    with pytest.raises(HwcoreError, match=r"fit--as-run.title: says 'cos x'"):
        load("s", tmp_path, parse(raw, ["config.yaml"]))


def test_reasons_are_given_for_settings_that_there_are(tmp_path: Path) -> None:
    chosen = "{batch_size: the notebook has it, until: unclear, network: no size is given}"
    found = study(tmp_path, "x", variants=f"{{as-run: {{chosen: {chosen}}}}}").experiments
    assert found["fit--as-run"].chosen["until"] == "unclear"
    assert found["fit"].chosen == {}
    with pytest.raises(HwcoreError, match=r"chosen.batchsize: there is no such setting; did you mean `batch_size`"):
        study(tmp_path, "x", variants="{as-run: {chosen: {batchsize: so}}}")
    with pytest.raises(HwcoreError, match=r"models.small.chosen.lrr: there is no such setting"):
        study(tmp_path, "x", variants="{as-run: {models: {small: {chosen: {lrr: so}}}}}")


def test_what_is_not_rerun_has_a_reason_and_no_settings(tmp_path: Path) -> None:
    said = '  two: {section: "2", title: Two, not_rerun: Nobody can.}\n'
    found = study(tmp_path, "x", variants="{as-run: {why: It was., not_rerun: A bug.}}", rest=said)
    assert [*found.experiments] == ["fit", "sort"]
    assert {id: (each.title, each.why, each.reason) for id, each in found.not_rerun.items()} == {
        "fit--as-run": ("Networks fit cos x", "It was.", "A bug."),
        "two": ("Two", None, "Nobody can."),
    }
    claims = "claims: {c: {where: a, says: b, experiment: two, measure: {value: lr}, expect: {above: 0}}}\n"
    with pytest.raises(HwcoreError, match=r"claims.c.experiment: two is not re-run: nothing of it is measured"):
        study(tmp_path, "x", rest=said + claims)
    with pytest.raises(HwcoreError, match=r"study.yaml:\d+: experiments.fit--as-run.training: unknown key"):
        study(tmp_path, "x", variants="{as-run: {not_rerun: A bug., training: {lr: 1}}}")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            "setting('fits', 'lr')",
            "report/tiny/report.md:1: setting('fits', 'lr'): unknown experiment; did you mean `fit`",
        ),
        ('setting( "fit", "lrr" )', "setting('fit', 'lrr'): not a setting that all models share; did you mean `lr`"),
        ("setting ('fit', 'lrr',)", "setting('fit', 'lrr'): not a setting that all models share"),
        ("setting('fit',\n'lrr')", "report.md:1: setting('fit', 'lrr'): not a setting that all models share"),
    ],
)
def test_a_setting_that_prose_names_wrongly_is_told_before_any_job(project: Project, call: str, message: str) -> None:
    project.edit("report/tiny/report.md", "Prose.", f"{{{{ {call} }}}}")
    done = project.snakemake("report", "--dry-run")
    assert done.returncode != 0
    assert message in done.stdout + done.stderr


EVALUATED = """
  capacity:
    section: "3"
    title: T
    data: {dataset: mnist}
    training: {optimizer: adam, lr: 0.001, loss: cross_entropy, epochs: 2, batch_size: 50}
    models:
      m: {label: M, mlp: [784, 10]}
      n: {label: N, mlp: [784, 5, 10]}
    analyses: {evaluation: {}}
    figures:
      capacity: {table: evaluation, caption: "The gap."}
"""


def test_a_caption_says_when_training_metrics_are_of_few_samples(tmp_path: Path) -> None:
    def of_capacity(scale: str) -> str:
        return (
            study(tmp_path, "The loss.", scale=scale, rest=EVALUATED)
            .experiments["capacity"]
            .figures["capacity"]
            .caption
        )

    assert of_capacity("standard").endswith(
        " Training metrics are of at most 10,000 (full scale: all) training samples."
    )
    assert "at most" not in of_capacity("full")
    # as many as there are
    few = EVALUATED.replace("{dataset: mnist}", "{dataset: mnist, train_samples: 10000}")
    shown = study(tmp_path, "The loss.", scale="standard", rest=few).experiments["capacity"].figures["capacity"]
    assert "at most" not in shown.caption
    line = "{interpolation: {between: [m, m], alphas: {start: 0, stop: 1, count: 3}, batch_norm: recompute}}"
    drawn = '{interpolation: {table: interpolation, caption: "The line."}}'
    lines = EVALUATED.replace("{evaluation: {}}", line).partition("    figures:")[0] + f"    figures: {drawn}\n"
    shown = study(tmp_path, "The loss.", scale="standard", rest=lines).experiments["capacity"].figures["interpolation"]
    assert shown.caption.endswith(
        " Training metrics and the statistics of batch normalisation are of at most 10,000 (full scale: all) training "
        "samples."
    )


def test_a_caption_of_test_metrics_says_nothing_of_training_samples(tmp_path: Path) -> None:
    sweep = EVALUATED.replace(
        "{table: evaluation,", "{kind: sweep, x: parameters, measures: [[evaluation, test_loss]],"
    )
    shown = study(tmp_path, "The loss.", scale="standard", rest=sweep).experiments["capacity"].figures["capacity"]
    assert "at most" not in shown.caption
