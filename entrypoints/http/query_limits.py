"""The address of GraphQL queries, and their limits."""

from typing import Protocol

from core.kernel.errors import Invalid, NotFound

QUERIES = "/v1/graphql"


class GraphQLDisabled(NotFound):
    """GraphQL is switched off."""

    problem = "graphql-disabled"


class QueryTooLarge(Invalid):
    """The GraphQL query asks for more than the office allows."""

    problem = "query-too-large"


class QueryLimits(Protocol):
    """The most that one query may ask for; the settings of the section `graphql`."""

    @property
    def max_fields(self) -> int:
        """Fields that it resolves, with its fragments expanded, for each item of its pages."""

    @property
    def max_depth(self) -> int:
        """Selections and fragments within each other."""

    @property
    def max_tokens(self) -> int:
        """Words and signs of its text."""

    @property
    def introspection(self) -> bool:
        """Whether it may ask for the schema."""
