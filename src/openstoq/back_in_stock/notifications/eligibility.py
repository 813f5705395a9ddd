"""Eligibility in SQL: the signups that a restock may still notify, defined once for all statements.

The functions' arguments are table aliases and SQL expressions, never values. `$1` is the shop.
"""


def pending(signup: str) -> str:
    """Return the SQL condition that a signup was not notified yet and may be notified."""
    return f"""{signup}.notified_at IS NULL AND {signup}.unsubscribed_at IS NULL
        AND {signup}.blocked_at IS NULL
        AND (NOT {signup}.optin_required OR {signup}.optin_confirmed_at IS NOT NULL)"""


def eligible(signup: str, *, variant: str, started_at: str, listed_until: str) -> str:
    """Return the SQL condition that a wave may notify a signup, judged by the signup's row alone.

    A signup that was made after `listed_until` does not meet the condition.
    """
    return f"""{signup}.shop_id = $1 AND {signup}.variant_id = {variant}
        AND {signup}.created_at <= {listed_until} AND {pending(signup)}
        AND {signup}.wave_id IS NULL AND {signup}.failed_wave_at IS DISTINCT FROM {started_at}
        AND {signup}.channel = 'email'"""


def first_of_contact(signup: str, *, variant: str, started_at: str) -> str:
    """Return the SQL condition that selects the one signup of a contact that is to be notified.

    A contact gets one message about a variant per restock. If the contact has several signups for
    the variant, for instance for several markets, the oldest is notified on behalf of all of them,
    whichever run claims it. A signup may not have been eligible at that time, for instance because
    it was unconfirmed; it then waits for the next restock. A signup that was made after that
    message is a new wish, and may be notified.
    """
    # OFFSET 0 forces a look-up by key for each row, even before the tables have been analysed.
    return f"""NOT EXISTS (
        SELECT FROM signups o
        WHERE o.shop_id = $1 AND o.contact = {signup}.contact AND o.variant_id = {variant}
          AND o.channel = {signup}.channel
          AND ((o.notified_at >= {started_at} AND o.notified_at >= {signup}.created_at)
               OR ({pending("o")}
                   AND (o.created_at, o.id) < ({signup}.created_at, {signup}.id))) OFFSET 0)"""


_WAITS = """s.shop_id = $1 AND s.notified_at IS NULL AND s.unsubscribed_at IS NULL
        AND s.blocked_at IS NULL"""
# The query steps from one variant to the next in the index `signups_waiting`. So it takes as long as
# shoppers wait for many variants, however many variants the shop has, or signups each variant.
WAITED_FOR = f"""(
    WITH RECURSIVE waited_for AS (
        (SELECT s.variant_id AS id FROM signups s WHERE {_WAITS} ORDER BY s.variant_id LIMIT 1)
        UNION ALL
        SELECT (SELECT s.variant_id FROM signups s WHERE {_WAITS} AND s.variant_id > w.id
                ORDER BY s.variant_id LIMIT 1)
        FROM waited_for w WHERE w.id IS NOT NULL
    )
    SELECT id FROM waited_for WHERE id IS NOT NULL)"""  # noqa: S608 - constants
"""The variants that shoppers wait for, as a subquery with the column `id`."""
