"""What stands below the fields of a model: what the JSON Schema and the pages say of them.

Pydantic reads such texts itself (``use_attribute_docstrings``), but for every model that
is made, which every command would wait for. Few ever ask for them.
"""

import ast
from inspect import cleandoc, getsource
from itertools import pairwise
from textwrap import dedent

from verifier.config.model import Model


def field_texts(model: type[Model]) -> dict[str, str]:
    """The texts by the name of the field, those of inherited fields too."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, Model):
            found |= _written_in(each)
    return found


def _written_in(model: type[Model]) -> dict[str, str]:
    try:
        source = dedent(getsource(model))
    except (OSError, TypeError):
        return {}  # the class was made while the program runs
    (written,) = ast.parse(source).body
    return {
        field.target.id: cleandoc(below.value.value)
        for field, below in pairwise(written.body if isinstance(written, ast.ClassDef) else ())
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }
