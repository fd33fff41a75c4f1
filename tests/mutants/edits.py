"""Edits of a syntax tree that turn a guard off.

An edit names code by what it says: Python's own parser reads it, so layout, comments, docstrings
and the texts of messages do not matter. In the code that an edit names, `...` stands for any
expression, and `f(...)` for a call of `f` with any arguments.
"""

import ast
from collections.abc import Callable, Iterator
from typing import Any

Edit = Callable[[ast.AST], int]
"""Change a tree in place, and return in how many places."""

_REMOVABLE = ("body", "orelse", "finalbody", "args", "keywords", "elts", "values", "ifs")


def never(condition: str) -> Edit:
    """The `if` with this condition is never true, be it of a statement or within an expression."""
    return _tested(condition, truth=False)


def always(condition: str) -> Edit:
    """The `if` with this condition is always true."""
    return _tested(condition, truth=True)


def instead(old: str, new: str) -> Edit:
    """An expression, a keyword argument or a run of statements takes the place of another."""

    def edit(tree: ast.AST) -> int:
        for read in (_expression, _keyword):
            was, will = read(old), read(new)
            if was is not None and will is not None and (found := _splice(tree, was, will)):
                return found
        return _splice(tree, list(ast.parse(old).body), list(ast.parse(new).body))

    return edit


def without(code: str) -> Edit:
    """It is not there: statements, an operand of `and` or `or`, an argument, an element, a pair."""

    def edit(tree: ast.AST) -> int:
        readings = [read(code) for read in (_statements, _expression, _keyword, _starred)]
        found = sum(_splice(tree, read, []) for read in readings if read is not None)
        return found + _without_pair(tree, code)

    return edit


def becomes(value: str) -> Edit:
    """A constant, found by its name, has another value."""

    def edit(tree: ast.AST) -> int:
        assert isinstance(tree, ast.Assign | ast.AnnAssign)
        tree.value = ast.parse(value, mode="eval").body
        return 1

    return edit


def together(*edits: Edit) -> Edit:
    """Several edits that are one change, each in exactly one place."""
    return lambda tree: 1 if all(edit(tree) == 1 for edit in edits) else 0


def find(tree: ast.Module, path: str) -> ast.AST | None:
    """Return the class, function or constant at a dotted path, or None if it is not there once."""
    scope: ast.AST = tree
    for name in path.split(".") if path else ():
        found = [node for node in _own(scope) if name in _names(node)]
        if len(found) != 1:
            return None
        (scope,) = found
    return scope


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield what is defined in a scope, and not in a class or function within it."""
    for node in ast.iter_child_nodes(scope):
        yield node
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _own(node)


def _names(node: ast.AST) -> set[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    assigned = isinstance(node, ast.Assign | ast.AnnAssign)
    return {target.id for target in targets if assigned and isinstance(target, ast.Name)}


def _tested(condition: str, *, truth: bool) -> Edit:
    wanted = ast.parse(condition, mode="eval").body

    def edit(tree: ast.AST) -> int:
        found = 0
        for node in ast.walk(tree):
            if isinstance(node, ast.If | ast.IfExp) and _same(wanted, node.test):
                node.test, found = ast.Constant(truth), found + 1
            if isinstance(node, ast.comprehension):
                for at, test in enumerate(node.ifs):
                    if _same(wanted, test):
                        node.ifs[at], found = ast.Constant(truth), found + 1
        return found

    return edit


def _splice(tree: ast.AST, old: list[Any], new: list[Any]) -> int:
    """Put a run of nodes in the place of another, or remove it, wherever that can be done."""
    found = 0
    for node in list(ast.walk(tree)):
        for name, value in list(ast.iter_fields(node)):
            many = isinstance(value, list)
            if not new and (not many or name not in _REMOVABLE or isinstance(node, ast.Dict)):
                continue
            run: list[Any] = value if many else [value]
            at = 0
            while at + len(old) <= len(run):
                if not all(map(_same, old, run[at:])):
                    at += 1
                    continue
                run[at : at + len(old)] = new
                at, found = at + len(new), found + 1
            if many and not run and name == "body":
                run.append(ast.Pass())
            if not many and run != [value]:
                (replaced,) = run
                setattr(node, name, replaced)
    return found


def _without_pair(tree: ast.AST, code: str) -> int:
    try:
        pair = ast.parse(f"{{{code}}}", mode="eval").body
    except SyntaxError:
        return 0
    if not isinstance(pair, ast.Dict) or len(pair.keys) != 1:
        return 0
    found = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            pairs = list(zip(node.keys, node.values, strict=True))
            kept = [p for p in pairs if not _same([pair.keys[0], pair.values[0]], list(p))]
            found += len(pairs) - len(kept)
            node.keys, node.values = [key for key, _ in kept], [value for _, value in kept]
    return found


def _same(wanted: Any, node: Any) -> bool:
    """Whether two pieces of code say the same, whatever `...` stands for."""
    if isinstance(wanted, ast.Constant) and wanted.value is ...:
        return isinstance(node, ast.expr)
    if isinstance(wanted, list):
        return isinstance(node, list) and len(wanted) == len(node) and all(map(_same, wanted, node))
    if not isinstance(wanted, ast.AST):
        return type(wanted) is type(node) and bool(wanted == node)
    if type(wanted) is not type(node):
        return False
    fields = [name for name in wanted._fields if name not in ("ctx", "kind", "type_comment")]
    if isinstance(wanted, ast.Call) and [getattr(a, "value", 0) for a in wanted.args] == [...]:
        fields = ["func"]
    return all(_same(getattr(wanted, name), getattr(node, name)) for name in fields)


def _expression(code: str) -> list[Any] | None:
    try:
        return [ast.parse(code, mode="eval").body]
    except SyntaxError:
        return None


def _statements(code: str) -> list[Any] | None:
    try:
        return list(ast.parse(code).body)
    except SyntaxError:
        return None


def _keyword(code: str) -> list[Any] | None:
    call = _call(code)
    return [call.keywords[0]] if call and len(call.keywords) == 1 and not call.args else None


def _starred(code: str) -> list[Any] | None:
    call = _call(code)
    starred = call is not None and len(call.args) == 1 and isinstance(call.args[0], ast.Starred)
    return [call.args[0]] if call is not None and starred else None


def _call(code: str) -> ast.Call | None:
    try:
        call = ast.parse(f"f({code})", mode="eval").body
    except SyntaxError:
        return None
    return call if isinstance(call, ast.Call) else None
