"""What a query would resolve with every fragment expanded, found before it is validated and executed.

Each fragment is measured once, so the time is proportional to the query, whatever it expands to.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    VariableNode,
)

from entrypoints.http.query_limits import QueryLimits, QueryTooLarge
from entrypoints.http.query_parameters import DEFAULT_LIMIT, MAX_LIMIT

INTROSPECTION = frozenset({"__schema", "__type"})
PAGE_SIZE = "first"
"""The argument of a connection that says how many items a page has."""
DIGITS = 9
"""Of a whole number that are read: a longer one is above every limit."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a selection resolves, and how deep it is nested."""

    fields: int = 0
    depth: int = 0


@dataclass(slots=True)
class Measurement:
    """Measures one operation."""

    pages: Collection[str]
    """The fields that are connections."""
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    defaults: Mapping[str, Any]
    introspection: bool
    measured: dict[str, Cost | None] = field(default_factory=dict)

    def of(self, parent: Node | None) -> Cost:
        """Return the cost of what an operation, a field or a fragment selects."""
        selections = getattr(parent, "selection_set", None)
        costs = [self._of_selection(each) for each in (selections.selections if selections else ())]
        return Cost(sum(each.fields for each in costs), max((each.depth for each in costs), default=0))

    def _of_selection(self, selection: Node) -> Cost:
        if isinstance(selection, FragmentSpreadNode):
            inner = self._of_fragment(selection.name.value)
            return Cost(inner.fields, inner.depth + 1)
        inner = self.of(selection)
        if not isinstance(selection, FieldNode):
            return Cost(inner.fields, inner.depth + 1)
        if selection.name.value not in INTROSPECTION:
            return Cost(1 + inner.fields * self._items(selection), inner.depth + 1)
        if not self.introspection:
            raise QueryTooLarge("introspection is switched off here: the documentation has the schema")
        return Cost(1 + inner.fields)  # how deep it may be nested, the validation knows

    def _of_fragment(self, name: str) -> Cost:
        if name not in self.measured:
            self.measured[name] = None
            self.measured[name] = self.of(self.fragments.get(name))
        if (known := self.measured[name]) is None:
            raise QueryTooLarge(f"the fragment `{name[:40]}` contains itself")
        return known

    def _items(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value == PAGE_SIZE:
                return min(max(self._whole(argument.value), 1), MAX_LIMIT)
        return DEFAULT_LIMIT if node.name.value in self.pages else 1

    def _whole(self, value: Any) -> int:
        """Return the whole number of a literal or a variable; the greatest for what is none, which is refused later."""
        if isinstance(value, VariableNode):
            given = self.variables.get(value.name.value)
            if type(given) is int:
                return given
            value = self.defaults.get(value.name.value)
        return int(value.value[:DIGITS]) if isinstance(value, IntValueNode) else MAX_LIMIT


def check_cost(
    document: DocumentNode, variables: Mapping[str, Any], pages: Collection[str], limits: QueryLimits
) -> None:
    """Measure each operation of a document; raise `QueryTooLarge`."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            defaults = {each.variable.name.value: each.default_value for each in operation.variable_definitions or ()}
            measurement = Measurement(pages, fragments, variables, defaults, limits.introspection)
            try:
                check_limits(measurement.of(operation), limits)
            except RecursionError as error:
                raise QueryTooLarge(f"the query is nested deeper than {limits.max_depth}") from error


def check_limits(cost: Cost, limits: QueryLimits) -> None:
    """Raise `QueryTooLarge` for what is above a limit."""
    if cost.depth > limits.max_depth:
        raise QueryTooLarge(f"the query is nested {cost.depth} deep, at most {limits.max_depth} here")
    if cost.fields > limits.max_fields:
        count = f"{cost.fields:,}" if cost.fields < 10**12 else "over 10¹²"
        raise QueryTooLarge(
            f"the query resolves up to {count} fields, at most {limits.max_fields:,} here:"
            f" ask for fewer fields, or for smaller pages by `{PAGE_SIZE}`"
        )
