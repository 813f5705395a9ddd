"""Which classes of settings the expressions of our code have, and which of their fields are read."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from pydantic import BaseModel

# The parts of an expression that may be its value.
_PARTS: Mapping[type[ast.AST], tuple[str, ...]] = {
    ast.Await: ("value",),
    ast.BoolOp: ("values",),
    ast.DictComp: ("key", "value"),
    ast.GeneratorExp: ("elt",),
    ast.IfExp: ("body", "orelse"),
    ast.List: ("elts",),
    ast.ListComp: ("elt",),
    ast.NamedExpr: ("value",),
    ast.SetComp: ("elt",),
    ast.Starred: ("value",),
    ast.Subscript: ("value",),
    ast.Tuple: ("elts",),
}


class Types:
    """The classes of settings that expressions may have, as far as annotations and names tell.

    A collection counts as its elements. An attribute of an unknown object has the classes of every
    attribute of that name.
    """

    def __init__(
        self, trees: Iterable[ast.Module], holders: Mapping[str, list[type[BaseModel]]]
    ) -> None:
        self.holders = holders
        self.classes = set(holders)
        self.members: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.attributes: dict[str, set[str]] = defaultdict(set)
        self.returned: dict[str, set[str]] = defaultdict(set)
        for tree in trees:
            self._learn(tree)

    def _learn(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for one in node.body:
                    if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                        found = self._named(one.annotation)
                        self.members[node.name, one.target.id] |= found
                        self.attributes[one.target.id] |= found
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
                self.returned[node.name] |= self._named(node.returns)
                if any(
                    isinstance(one, ast.Name) and one.id == "property"
                    for one in node.decorator_list
                ):
                    self.attributes[node.name] |= self._named(node.returns)

    def _named(self, annotation: ast.AST) -> set[str]:
        """Return the classes that an annotation names, quoted or not."""
        found: set[str] = set()
        for node in ast.walk(annotation):
            if isinstance(node, ast.Name | ast.Attribute):
                found.add(node.id if isinstance(node, ast.Name) else node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= {one.strip() for one in node.value.split("|")}
        return found & self.classes

    def reads(self, tree: ast.Module, *, edits: bool) -> Iterator[tuple[str, str]]:
        """Yield the class and the field of each setting that a module reads.

        With `edits`, the module defines settings: only its classes' own methods read them, and of
        these not the ones that validate.
        """
        for scope in _scopes(tree, edits=edits):
            names = self._names(scope)
            for node in ast.walk(scope):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    for kind in self._of(node.value, names):
                        yield from ((base, node.attr) for base in self._bases(kind))

    def _bases(self, name: str) -> set[str]:
        return {base.__name__ for kind in self.holders[name] for base in kind.__mro__}

    def _names(self, scope: ast.AST) -> dict[str, set[str]]:
        """Return the classes of a scope's parameters and variables."""
        names: dict[str, set[str]] = defaultdict(set)
        for node in ast.walk(scope):
            if isinstance(node, ast.arg) and node.annotation is not None:
                names[node.arg] |= self._named(node.annotation)
        owner = getattr(scope, "owner", None)
        if owner in self.classes:
            names["self"] = {owner}
        # What a name is assigned may itself be a name, so a second pass learns the rest.
        for _ in range(3):
            for node in ast.walk(scope):
                for target, value in _assignments(node):
                    self._assign(target, value, names)
        return names

    def _assign(self, target: ast.AST, value: ast.AST, names: dict[str, set[str]]) -> None:
        if isinstance(target, ast.Name):
            names[target.id] |= self._of(value, names)
        elif isinstance(target, ast.Tuple):
            parts = value.elts if isinstance(value, ast.Tuple) else [value] * len(target.elts)
            if len(parts) == len(target.elts):
                for one, part in zip(target.elts, parts, strict=True):
                    self._assign(one, part, names)

    def _of(self, node: ast.AST, names: Mapping[str, set[str]]) -> set[str]:
        match node:
            case ast.Name(id=name):
                return names.get(name, set())
            case ast.Attribute(value=value, attr=attr):
                return self._attribute(self._of(value, names), attr)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                made = {name} & self.classes | self.returned.get(name, set())
                return made or self._any(arguments, names)
            case ast.Call(func=ast.Attribute(value=value, attr=attr)):
                return self.returned.get(attr, set()) | self._of(value, names)
        parts = [getattr(node, name) for name in _PARTS.get(type(node), ())]
        return self._any(
            (one for part in parts for one in (part if isinstance(part, list) else [part])), names
        )

    def _attribute(self, owners: set[str], name: str) -> set[str]:
        if not owners:
            return self.attributes.get(name, set())
        bases = {base for one in owners for base in self._bases(one)}
        return set().union(*(self.members[one, name] for one in bases))

    def _any(self, nodes: Iterable[ast.AST], names: Mapping[str, set[str]]) -> set[str]:
        return set().union(*(self._of(one, names) for one in nodes))


def _assignments(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((one, value) for one in targets)
        case ast.AnnAssign(target=target, value=ast.AST() as value):
            yield target, value
        case ast.NamedExpr(target=target, value=value):
            yield target, value
        case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
            yield target, value
        case ast.comprehension(target=target, iter=value):
            yield target, value


def _scopes(tree: ast.Module, *, edits: bool) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for one in node.body:
                if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and not (
                    edits and _validates(one)
                ):
                    one.owner = node.name
                    yield one
    if not edits:
        yield from (
            one for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
        )
        yield ast.Module(
            [
                one
                for one in tree.body
                if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            ],
            [],
        )


def _validates(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("validator" in ast.unparse(one) for one in function.decorator_list)
