"""Stage 4: payloads, handlers and overlay files, from Jinja2 templates with comment-shaped delimiters."""

import os
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from patcher.errors import TemplateUnusable
from patcher.model import Position, Site
from patcher.resources import DELIMITERS, TEMPLATES

if TYPE_CHECKING:
    import jinja2


@cache
def environment(folder: str = TEMPLATES) -> "jinja2.Environment":
    """The Jinja2 environment of a folder. A template is valid JavaScript to an editor: its delimiters are comments."""
    import jinja2  # a fifth of a cold build: only where a template asks for something

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - JavaScript, not HTML; values go through `tojson`
        variable_start_string=DELIMITERS[0],
        variable_end_string=DELIMITERS[1],
        block_start_string=DELIMITERS[2],
        block_end_string=DELIMITERS[3],
        comment_start_string=DELIMITERS[4],
        comment_end_string=DELIMITERS[5],
    )


def render(template: str, folder: str = "", /, **params: Hashable) -> str:
    """The text of the file `template`, a path below `folder` (default: our own `templates/`).

    Only a `.j2` is rendered; any other file is copied.

    Raises `TemplateUnusable` for one that is not there or does not render, a parameter that is missing among others: a
    payload is never silently empty.
    """
    if template.endswith(".j2"):
        return _rendered(template, folder or TEMPLATES, params)
    return _text_of(os.path.join(folder or TEMPLATES, *template.split("/")))


def _text_of(path: str) -> str:
    """Read each time: who builds twice in one process may have edited it."""
    try:
        with open(path, encoding="utf-8", newline="\n") as stream:
            return stream.read()
    except OSError as error:
        hint = "write it, or mend the name in the declaration"
        raise TemplateUnusable(f"cannot be read: {error.strerror}", where=path, hint=hint) from error
    except UnicodeDecodeError as error:
        raise TemplateUnusable("is not UTF-8", where=path, hint="save it as UTF-8") from error


def _rendered(template: str, folder: str, params: dict[str, Hashable]) -> str:
    import jinja2

    path = os.path.join(folder, *template.split("/"))
    try:
        return environment(folder).get_template(template).render(**params)
    except jinja2.UndefinedError as error:
        raise _missing(str(error.message), path, params) from error
    except jinja2.TemplateNotFound as error:
        if error.name == template:
            hint = "write it, or mend the name in the declaration"
            raise TemplateUnusable("there is no such template", where=path, hint=hint) from error
        hint = f"what a template includes is looked up in {folder}"
        raise TemplateUnusable(
            f"includes {error.name}, and there is no such template", where=path, hint=hint
        ) from error
    except jinja2.TemplateSyntaxError as error:
        begin, end = DELIMITERS[0], DELIMITERS[1]
        hint = f"a value is written `{begin} value {end}`, a condition `/*% if … %*/ … /*% endif %*/`"
        raise TemplateUnusable(f"does not parse: {error.message}", where=f"{path}:{error.lineno}", hint=hint) from error
    except Exception as error:  # a template may call what fails in a hundred ways
        if isinstance(error, UnicodeDecodeError):
            raise TemplateUnusable("is not UTF-8", where=path, hint="save it as UTF-8") from error
        names = [name for name in _wanted(template, folder) if name not in params]
        if names:  # a filter may stumble over it with words of its own
            raise _missing(f"{names[0]!r} is undefined", path, params) from error
        message = f"does not render: {type(error).__name__}: {error}"
        raise TemplateUnusable(message, where=path, hint="mend the template, or what it is given") from error


def _missing(what: str, path: str, params: dict[str, Hashable]) -> TemplateUnusable:
    given = f"it gets {', '.join(sorted(params))}" if params else "it gets none"
    hint = f"{given}; an overlay has `params={{…}}`, and what a payload replaces is `original`"
    return TemplateUnusable(f"a parameter is missing: {what}", where=path, hint=hint)


def _wanted(template: str, folder: str) -> list[str]:
    """The names that a template takes from its parameters."""
    from jinja2 import meta

    with open(os.path.join(folder, *template.split("/")), encoding="utf-8") as stream:
        return sorted(meta.find_undeclared_variables(environment(folder).parse(stream.read())))


_ORIGINAL_STANDS_FOR = "0"  # what a payload keeps of upstream is not ours to hold to ES2017
REPLACED = "<what stood there>"
"""For people: the code that a payload replaces, in the payload."""


def payload_of(site: Site, original: str = REPLACED) -> str:
    """The site's payload; `original` is what it replaces."""
    if site.position is Position.DELETE:
        return ""
    params = {"original": original} if site.position is Position.REPLACE else {}
    with blamed_on(site.id):
        return render(site.template, site.templates, **params)


@contextmanager
def blamed_on(place: str) -> Iterator[None]:
    """Whatever template cannot be used: of which site or overlay."""
    try:
        yield
    except TemplateUnusable as error:
        message = f"the template of {place}: {error.message}"
        raise TemplateUnusable(message, where=error.where, hint=error.hint) from error


def portable_text(site: Site) -> str:
    """The payload where every statement may stand: `return` needs a function, `continue` a loop. Lines stay its own."""
    return f"(function () {{ for (;;) {{ {payload_of(site, _ORIGINAL_STANDS_FOR)}\n}} }});"
