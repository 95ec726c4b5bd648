"""Filling the prose of a page: a small part of Jinja, in which nothing can be computed.

A template is read against a short list of what may stand in it before anything of it is run: calls of the page's own
functions with names in quotes, blocks around prose, loops over lists of names.  So a page of unknown origin reaches no
attribute, no file and no module, and cannot run for long.
"""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path

import jinja2
from jinja2 import nodes

from hwcore.errors import HwcoreError
from hwcore.reporting.template import read
from hwcore.validation import did_you_mean

_BYTES = 2**20


def fill(template: Path, functions: Mapping[str, Callable[..., str]]) -> str:
    """The text of ``template`` with its calls of ``functions`` replaced by what they return.

    Raises HwcoreError, naming file and line, for whatever else it holds.
    """
    # what is filled in is Markdown, in which HTML is text: see hwcore.reporting.pandoc
    environment = jinja2.Environment(  # nosec B701
        undefined=jinja2.StrictUndefined,
        # pandoc's attributes begin with {#
        comment_start_string="{%#",
        comment_end_string="#%}",
        keep_trailing_newline=True,
        autoescape=False,
    )
    if template.stat().st_size > _BYTES:
        raise HwcoreError(f"{template}: is larger than a page can be, {_BYTES / 2**20:.0f} MiB")
    try:
        tree = environment.parse(read(template))
        _check(tree, functions)
        return environment.from_string(tree).render(functions)
    except RecursionError:
        raise HwcoreError(f"{template}: an expression is too deep") from None
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None) or _line(error)
        place = f"{template}:{line}" if line else str(template)
        raise HwcoreError(f"{place}: {' '.join(str(error.message).split())}") from None


def _check(
    node: nodes.Node, functions: Mapping[str, Callable[..., str]], names: frozenset[str] = frozenset(), within: str = ""
) -> None:
    """Raise TemplateSyntaxError for a part that may not be there.

    ``names`` are those that a loop gives its items, ``within`` are the kinds of blocks around it.
    """
    match node:
        case nodes.Template() | nodes.Output() | nodes.TemplateData():
            pass
        case nodes.Call(node=nodes.Name(), args=arguments, kwargs=[], dyn_args=None, dyn_kwargs=None):
            _check_call(node, functions, arguments, names)
            return
        case nodes.CallBlock(args=[]) if "call" not in within:
            _check_call(node.call, functions, node.call.args, names, block=True)
            for child in node.body:
                _check(child, functions, names, f"{within} call")
            return
        case nodes.For(
            target=nodes.Name(name=name), iter=nodes.List(items=items), else_=[], test=None, recursive=False
        ) if "for" not in within and all(map(_is_text, items)):
            for child in node.body:
                _check(child, functions, names | {name}, f"{within} for")
            return
        case nodes.Name(name=name) if name in names:
            pass
        case nodes.Name(name=name):
            raise _mistake(f"{name!r} is undefined{did_you_mean(name, functions)}", node)
        case _:
            allowed = 'calls such as {{ experiment("id") }}, call blocks and loops over a list of names'
            raise _mistake(f"only {allowed} can stand in a page", node)
    for child in node.iter_child_nodes():
        _check(child, functions, names, within)


def _check_call(
    call: nodes.Call,
    functions: Mapping[str, Callable[..., str]],
    arguments: list[nodes.Expr],
    names: frozenset[str],
    block: bool = False,
) -> None:
    name = call.node.name if isinstance(call.node, nodes.Name) else ""
    if name not in functions:
        raise _mistake(f"{name!r} is undefined{did_you_mean(name, functions)}", call)
    if call.kwargs or not all(_is_text(each) or getattr(each, "name", None) in names for each in arguments):
        raise _mistake(f"{name}: only names in quotes can stand in its parentheses", call)
    taken = inspect.signature(functions[name])
    if block and "caller" not in taken.parameters:
        raise _mistake(f"{name}: takes no prose; write {{{{ {name}(…) }}}}", call)
    try:
        taken.bind(*arguments)
    except TypeError as error:
        raise _mistake(f"{name}: {error}", call) from None


def _is_text(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, str)


def _mistake(says: str, node: nodes.Node) -> jinja2.TemplateSyntaxError:
    return jinja2.TemplateSyntaxError(says, node.lineno)


def _line(error: BaseException) -> int | None:
    trace, line = error.__traceback__, None
    while trace:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
