"""The grammar of study files as a JSON schema, for editors: made of the same specifications that check a study.

An editor with a YAML language server completes and explains keys in a file that begins with
`# yaml-language-server: $schema=../study.schema.json`.  What only a whole study can tell (names of tables and
models, values that do not go together) is left to hwcore.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from hwcore.claims.spec import Claim
from hwcore.data.spec import DatasetData, FunctionData
from hwcore.nets.spec import layer_kinds
from hwcore.studies import schema, variants
from hwcore.studies.kinds import ANALYSES, FIGURES
from hwcore.train.spec import Training
from hwcore.validation import ID

Schema = dict[str, Any]
FILE = Path("report/study.schema.json")
_TEXT: Schema = {"type": "string"}
_TEMPLATE: Schema = {"type": "string", "pattern": r"\{.+\}"}
_NULL: Schema = {"type": "null"}


def study_schema() -> Schema:
    """The schema of `report/<study>/study.yaml`, of draft 2020-12."""
    definitions = _Definitions()
    study = definitions.add("study", schema.StudyFile)
    study["properties"] |= {
        "experiments": _entries(_experiment(definitions), "the experiments by id"),
        "figures": _kinds(
            definitions, "comparison", FIGURES, "figures that show several experiments", {**_SHOWN, "over": _OVER}
        ),
        "claims": {
            "type": "object",
            "description": "what the report claims, by id; an id with placeholders is that of a family",
            "additionalProperties": _claim(definitions),
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A study of hwcore",
        **study,
        "$defs": definitions.schemas,
    }


_SHOWN: Schema = {
    "caption": {**_TEXT, "description": "what the figure shows; settings in braces are filled in"},
    "original": {**_TEXT, "description": "the figure of the report that it is the counterpart of, such as Figure 5"},
}
_OVER: Schema = {
    "description": "the experiments shown: a list of ids, or names in the figure by id",
    "anyOf": [
        {"type": "array", "items": _TEXT, "minItems": 2},
        {"type": "object", "additionalProperties": _TEXT, "minProperties": 2},
    ],
}


class _Definitions:
    """Named parts of the schema, each added once."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}

    def add(self, name: str, model: type[BaseModel], *, partial: bool = False) -> Schema:
        """The schema of a specification.

        A ``partial`` one requires no key, because another mapping completes it, and null there removes a key.
        """
        whole: Schema = _untitled(model.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}"))
        inner = whole.pop("$defs", {})
        self.schemas |= {f"{name}.{key}": each for key, each in inner.items()}
        return _loose(whole, [_NULL]) if partial else whole

    def name(self, name: str, content: Schema) -> Schema:
        """A reference to ``content`` under a name."""
        self.schemas[name] = content
        return {"$ref": f"#/$defs/{name}"}


def _untitled(part: Any) -> Any:
    """Without the titles that pydantic makes of names, which tell nothing more."""
    if isinstance(part, list):
        return [_untitled(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {key: _untitled(each) for key, each in part.items() if key != "title" or isinstance(each, dict)}


def _templated(part: Any) -> Any:
    """A schema that takes a placeholder in the place of each number, name and list, and in lists too."""
    if isinstance(part, list):
        return [_templated(each) for each in part]
    if not isinstance(part, dict):
        return part
    if part.get("type") in ("integer", "number", "boolean") or "enum" in part:
        return {"anyOf": [part, _TEMPLATE]}
    filled = {key: _templated(each) for key, each in part.items()}
    return {"anyOf": [filled, _TEMPLATE]} if part.get("type") == "array" else filled


def _experiment(definitions: _Definitions) -> Schema:
    data = definitions.name(
        "data",
        {
            "description": "samples of a function, or a data set by its name",
            "anyOf": [
                definitions.add("function", FunctionData, partial=True),
                definitions.add("dataset", DatasetData, partial=True),
            ],
        },
    )
    training = definitions.name("training", definitions.add("training", Training, partial=True))
    model = definitions.add("model", schema.ModelFile)
    model["properties"] |= {"data": data, "training": training}
    model["properties"]["layers"] = _layers()
    model["required"] = []
    sweep = _loose(model, [_TEMPLATE])
    # of a sweep or a variant a network in a line may hold placeholders and state only what differs
    network = definitions.schemas["model.Cnn"]
    cnn = {**network, "properties": {name: _templated(each) for name, each in network["properties"].items()}}
    changed_cnn = definitions.name("changedCnn", _loose(cnn, [_NULL]))
    sweep["properties"]["cnn"] = {
        "anyOf": [changed_cnn, _TEMPLATE],
        "description": model["properties"]["cnn"]["description"],
    }
    values = definitions.add("sweep", schema.Sweep)["properties"]
    sweep["properties"] |= values
    models = {
        "type": "object",
        "description": "the networks by id; an id with placeholders is that of a sweep",
        "patternProperties": {r"\{": definitions.name("sweptModel", sweep)},
        "additionalProperties": definitions.name("model", {**model, "required": ["label"]}),
    }
    experiment = definitions.add("experiment", schema.ExperimentFile)
    stated = definitions.add("notRerun", schema.NotRerunFile)
    experiment["properties"] |= {
        "data": data,
        "training": training,
        "models": models,
        "analyses": _kinds(definitions, "analysis", ANALYSES, "the tables made of the runs, by name", {}),
        "figures": _kinds(definitions, "figure", FIGURES, "the figures by name", _SHOWN),
        "not_rerun": stated["properties"]["not_rerun"],
    }
    required = experiment.pop("required")
    experiment |= {
        "if": {"required": ["not_rerun"]},
        "then": {"required": stated["required"]},
        "else": {"required": required},
    }
    # a variant states what differs; null removes a key
    differing = {key: value for key, value in experiment.items() if key not in ("if", "then", "else")}
    variant = _loose(differing, [_NULL])
    change = _loose(sweep, [_NULL])
    change["properties"]["cnn"] = {"anyOf": [_loose(definitions.schemas["model.Cnn"], [_NULL]), _NULL]}
    changed = {"anyOf": [change, _NULL]}
    variant["properties"]["models"] = {
        "type": "object",
        "description": "what differs in the networks, by id",
        "additionalProperties": definitions.name("changedModel", changed),
    }
    for part in ("analyses", "figures"):
        variant["properties"][part] = {"type": "object", "additionalProperties": {"type": ["object", "null"]}}
    chosen = {**experiment["properties"]["chosen"], "additionalProperties": {"type": ["string", "null"]}}
    variant["properties"]["chosen"] = {"anyOf": [chosen, _NULL]}
    experiment["properties"]["variants"] = {
        "type": "object",
        "description": "the same experiment in another form, each stating only what differs",
        "properties": dict.fromkeys(variants.VARIANTS, definitions.name("variant", variant)),
        "additionalProperties": False,
    }
    return definitions.name("experiment", experiment)


def _entries(entry: Schema, description: str) -> Schema:
    return {
        "type": "object",
        "description": description,
        "propertyNames": {"pattern": ID},
        "additionalProperties": entry,
    }


def _kinds(
    definitions: _Definitions, what: str, kinds: Mapping[str, type[BaseModel]], description: str, more: Schema
) -> Schema:
    """`analyses` or `figures`: entries with the options of their kind, which is an entry's name if it has none."""
    options: dict[str, Schema] = {}
    for kind, model in kinds.items():
        part = definitions.add(f"{what}.{kind}", model)
        part["properties"] = {"kind": {"const": kind}, **part["properties"], **more}
        part["required"] = [*part.get("required", []), *(name for name in more if name != "original")]
        options[kind] = definitions.name(f"{what}.{kind}", part)
    named = definitions.name(
        what,
        {
            "type": "object",
            "required": ["kind"],
            "properties": {"kind": {"enum": [*kinds], "description": "its name if left out"}},
            "allOf": [
                {"if": {"properties": {"kind": {"const": kind}}}, "then": each} for kind, each in options.items()
            ],
        },
    )
    return _entries(named, description) | {
        "properties": {
            kind.replace("_", "-"): {"if": {"required": ["kind"]}, "then": named, "else": each}
            for kind, each in options.items()
        }
    }


def _layers() -> Schema:
    """A list of layers, each in its short form or its long one."""
    kinds = layer_kinds()
    names = ["block", *kinds]
    return {
        "type": "array",
        "description": "the layers in order, such as relu, {linear: 10}, {conv: {channels: 8, kernel: 3}}",
        "items": {
            "anyOf": [
                {"enum": kinds},
                {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": kinds}}},
                {"type": "object", "propertyNames": {"enum": names}, "minProperties": 1, "maxProperties": 1},
            ]
        },
    }


def _claim(definitions: _Definitions) -> Schema:
    claim = definitions.add("claim", Claim)
    # it may be left out
    claim["required"].remove("where")
    claim["properties"]["where"]["description"] = "the section of the report; that of the experiment if left out"
    family = {
        "type": "object",
        "description": "a claim for each model or value of `each`",
        # a value of the claim may be given for each of the family's, so that its type is open
        "properties": {
            "each": {
                "description": "models (all of the experiment), a list of some, or values by zip and matrix",
                "anyOf": [
                    {"const": "models"},
                    {"type": "array", "items": _TEXT, "minItems": 1},
                    definitions.name("values", definitions.add("values", schema.Sweep)),
                ],
            },
            **{
                name: {"description": each["description"]} if "description" in each else {}
                for name, each in claim["properties"].items()
            },
        },
        "required": ["each"],
        "additionalProperties": False,
    }
    one, several = definitions.name("claim", claim), definitions.name("claims", family)
    return {"if": {"required": ["each"]}, "then": several, "else": one}


def _loose(part: Schema, also: list[Schema]) -> Schema:
    """The schema of a mapping with values that may be something else too, and no key that must be there."""
    loose = {key: value for key, value in part.items() if key != "required"}
    loose["properties"] = {
        name: {
            **({"description": value["description"]} if "description" in value else {}),
            "anyOf": [_loose(value, also) if "properties" in value else value, *also],
        }
        for name, value in part["properties"].items()
    }
    return loose
