"""Results of @idempotent mutations, returned again if a request is repeated with its key."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from graphql import GraphQLResolveInfo, get_directive_values

from shopify_sandbox.admin.errors import UserProblem, bad_request

KEPT_FOR = timedelta(hours=24)

Result = dict[str, Any]


class Replays:
    """The results of one shop's idempotent mutations, kept for a day."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[datetime, str, Result]] = {}

    def once(
        self,
        info: GraphQLResolveInfo[Any],
        *,
        now: datetime,
        parameters: Any,
        run: Callable[[], Result],
    ) -> Result:
        """Call `run`, store its result under the request's idempotency key, and return it.

        A result is stored for KEPT_FOR. If the key is used again in that time, `run` is not called.
        The stored result is then returned, or a user error if this request calls another mutation
        or has other `parameters`. Raises GraphQLError if the request has no @idempotent directive.
        """
        key = _key(info)
        if key is None:
            raise bad_request(
                "The @idempotent directive is required for this mutation but was not provided."
            )
        request = json.dumps([info.field_name, parameters], sort_keys=True)
        kept = self._kept.get(key)
        if kept and now - kept[0] < KEPT_FOR:
            if kept[1] == request:
                return kept[2]
            return {
                "user_errors": [
                    UserProblem(
                        "The same idempotency key cannot be used with different operation "
                        "parameters.",
                        code="IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
                    )
                ]
            }
        result = run()
        self._kept[key] = (now, request, result)
        return result


def _key(info: GraphQLResolveInfo[Any]) -> str | None:
    directive = info.schema.get_directive("idempotent")
    if directive is None:
        return None
    given = get_directive_values(directive, info.field_nodes[0], info.variable_values)
    return given["key"] if given else None
