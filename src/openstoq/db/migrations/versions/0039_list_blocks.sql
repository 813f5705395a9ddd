-- The number of rows of each long list, kept in blocks of about 1,000 neighbouring rows. So neither a
-- total nor a page far down the list has to count a million rows. The blocks only save time: a list
-- without blocks is counted row by row.

-- The kind of a signup: its channel, and the status by which a list filters it. If several statuses
-- apply, the first of them is taken; that the signup was notified is kept beside `unsubscribed`.
CREATE FUNCTION signup_kind(
    channel text, unsubscribed_at timestamptz, notified_at timestamptz, blocked_at timestamptz
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN channel || CASE
    WHEN unsubscribed_at IS NOT NULL THEN
        CASE WHEN notified_at IS NULL THEN ' unsubscribed' ELSE ' unsubscribed notified' END
    WHEN notified_at IS NOT NULL THEN ' notified'
    WHEN blocked_at IS NOT NULL THEN ' blocked'
    ELSE ' pending' END;

-- The rows of all lists, each with the kind under which it is counted.
CREATE VIEW listed_rows WITH (security_invoker = true) AS
SELECT shop_id, 'signups' AS list, created_at AS at, id, variant_id, product_id,
       signup_kind(channel, unsubscribed_at, notified_at, blocked_at) AS kind FROM signups
UNION ALL
SELECT shop_id, 'notifications', created_at, id, variant_id, product_id, channel || ' ' || status
FROM notifications
UNION ALL
SELECT shop_id, 'preorder_orders', placed_at, id, NULL, NULL, state FROM preorder_orders;
GRANT SELECT ON listed_rows TO openstoq_app;

-- The changes of lists that are not counted in blocks yet. A row that was added to a list has the change
-- 1. A row that was deleted has -1, and a row whose kind changed has one of each. A statement appends one
-- row for all rows of a list that it changed alike, with their keys in `at` and `ids`: sending a mail
-- changes its message and its signup, and a row for each change cost PostgreSQL as much as all the rest
-- of a mail. Statements only append to this table, so none waits for another.
CREATE TABLE list_change_sets (
    shop_id    uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    list       text NOT NULL,
    number     bigint GENERATED ALWAYS AS IDENTITY,
    variant_id bigint,
    product_id bigint,
    kind       text NOT NULL,
    change     integer NOT NULL,
    at         timestamptz[] NOT NULL,
    ids        uuid[] NOT NULL,
    PRIMARY KEY (shop_id, list, number)
);
CALL protect_tenant('list_change_sets');

-- The changes with a row for each key, as lists read them.
CREATE VIEW list_changes WITH (security_invoker = true) AS
SELECT s.shop_id, s.list, k.at, k.id, s.variant_id, s.product_id, s.kind, s.change
FROM list_change_sets s CROSS JOIN LATERAL unnest(s.at, s.ids) k(at, id);
GRANT SELECT ON list_changes TO openstoq_app;

-- The number of rows of each kind in each block. A block begins with its first row, and ends before
-- the first row of the next block. If `series` is the name of a list, the block is one of the whole
-- list, and `part` is 0. If /variant or /product follows the name, the block has only rows of one
-- variant or product, and `part` is its id.
CREATE TABLE list_blocks (
    shop_id  uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    series   text NOT NULL,
    part     bigint NOT NULL,
    first_at timestamptz NOT NULL,
    first_id uuid NOT NULL,
    kind     text NOT NULL,
    rows     integer NOT NULL,
    PRIMARY KEY (shop_id, series, part, first_at, first_id, kind)
);
CALL protect_tenant('list_blocks');

CREATE INDEX signups_of_variant ON signups (shop_id, variant_id, created_at, id);
CREATE INDEX signups_of_product ON signups (shop_id, product_id, created_at, id);
CREATE INDEX notifications_of_variant ON notifications (shop_id, variant_id, created_at, id);
CREATE INDEX notifications_of_product ON notifications (shop_id, product_id, created_at, id);
CREATE INDEX preorder_orders_by_place ON preorder_orders (shop_id, placed_at, id);
CREATE INDEX variants_deleted ON variants (shop_id, id) WHERE deleted_at IS NOT NULL;

-- Split a block into blocks of `size` rows. The caller has found that it has more than twice as many.
CREATE PROCEDURE split_block(
    of_shop uuid, of_series text, of_part bigint, begin_at timestamptz, begin_id uuid, size integer
)
LANGUAGE plpgsql
AS $$
DECLARE
    of_list text := split_part(of_series, '/', 1);
    side text := split_part(of_series, '/', 2);
    end_at timestamptz;
    end_id uuid;
BEGIN
    SELECT b.first_at, b.first_id INTO end_at, end_id FROM list_blocks b
    WHERE b.shop_id = of_shop AND b.series = of_series AND b.part = of_part
      AND (b.first_at, b.first_id) > (begin_at, begin_id)
    ORDER BY b.first_at, b.first_id LIMIT 1;
    UPDATE list_blocks b SET rows = 0
    WHERE b.shop_id = of_shop AND b.series = of_series AND b.part = of_part
      AND b.first_at = begin_at AND b.first_id = begin_id;
    -- The table already shows the changes that are not folded yet. They are subtracted here, because
    -- `fold_list` adds them later.
    EXECUTE format($cut$
        INSERT INTO list_blocks
        SELECT $1, $2, $3, first_at, first_id, kind, sum(change) FROM (
            SELECT kind, change,
                   CASE WHEN block = 0 THEN $4 ELSE first_value(at) OVER w END AS first_at,
                   CASE WHEN block = 0 THEN $5 ELSE first_value(id) OVER w END AS first_id
            FROM (
                SELECT at, id, kind, change, (greatest(count(*) FILTER (WHERE is_row) OVER (
                           ORDER BY at, id, is_row DESC ROWS UNBOUNDED PRECEDING), 1) - 1) / $6 AS block,
                       is_row
                FROM (
                    SELECT at, id, kind, 1 AS change, true AS is_row FROM listed_rows
                    WHERE shop_id = $1 AND list = %1$L AND %2$s
                      AND (at, id) >= ($4, $5) AND ($7 IS NULL OR (at, id) < ($7, $8))
                    UNION ALL
                    SELECT at, id, kind, -change, false FROM list_changes
                    WHERE shop_id = $1 AND list = %1$L AND %2$s
                      AND (at, id) >= ($4, $5) AND ($7 IS NULL OR (at, id) < ($7, $8))
                ) events
            ) counted
            WINDOW w AS (PARTITION BY block ORDER BY at, id, is_row DESC)
        ) placed
        GROUP BY first_at, first_id, kind HAVING sum(change) <> 0
        ORDER BY first_at, first_id
        ON CONFLICT (shop_id, series, part, first_at, first_id, kind)
        DO UPDATE SET rows = excluded.rows
    $cut$, of_list, CASE WHEN side = '' THEN 'true' ELSE side || '_id = $3' END)
    USING of_shop, of_series, of_part, begin_at, begin_id, size, end_at, end_id;
END $$;

-- Fold the changes of a list: add them to the counts of its blocks, and delete them. With fewer than
-- `fewest` changes, nothing happens. Blocks that have become too long are split.
CREATE FUNCTION fold_list(of_shop uuid, of_list text, fewest integer) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    touched list_blocks[];
    one record;
    sides CONSTANT text[] := ARRAY[of_list, of_list || '/variant', of_list || '/product'];
    size CONSTANT integer := 1000;
BEGIN
    -- Only one transaction at a time folds a list. Others leave their changes to the next call.
    IF NOT pg_try_advisory_xact_lock(hashtextextended(of_list || of_shop::text, 39)) THEN
        RETURN;
    END IF;
    IF (SELECT coalesce(sum(cardinality(ids)), 0) FROM list_change_sets
        WHERE shop_id = of_shop AND list = of_list) < fewest THEN
        RETURN;
    END IF;
    WITH taken AS (
        DELETE FROM list_change_sets WHERE shop_id = of_shop AND list = of_list RETURNING *
    ), net AS MATERIALIZED (
        SELECT k.at, k.id, t.variant_id, t.product_id, t.kind, sum(t.change) AS change
        FROM taken t CROSS JOIN LATERAL unnest(t.at, t.ids) k(at, id)
        GROUP BY k.at, k.id, t.variant_id, t.product_id, t.kind HAVING sum(t.change) <> 0
    ), keyed AS MATERIALIZED (
        -- The sides are numbers, because sorting by a text takes longer.
        SELECT 1 AS side, 0::bigint AS part, at, id, kind, change FROM net
        UNION ALL
        SELECT 2, variant_id, at, id, kind, change FROM net WHERE variant_id IS NOT NULL
        UNION ALL
        SELECT 3, product_id, at, id, kind, change FROM net WHERE product_id IS NOT NULL
    ), starts AS MATERIALIZED (
        -- The blocks are read once for each series, and not looked up for each key.
        SELECT r.side, r.part, b.first_at AS at, b.first_id AS id,
               row_number() OVER (PARTITION BY r.side, r.part ORDER BY b.first_at, b.first_id) AS block
        FROM (SELECT side, sides[side] AS series, part, min(at) AS oldest, max(at) AS newest
              FROM keyed GROUP BY side, part) r
        CROSS JOIN LATERAL (
            SELECT DISTINCT b.first_at, b.first_id FROM list_blocks b
            WHERE b.shop_id = of_shop AND b.series = r.series AND b.part = r.part
              AND b.first_at <= r.newest AND b.first_at >= coalesce((
                  SELECT o.first_at FROM list_blocks o
                  WHERE o.shop_id = of_shop AND o.series = r.series AND o.part = r.part
                    AND o.first_at < r.oldest
                  ORDER BY o.first_at DESC LIMIT 1), '-infinity')) b
    ), numbered AS (
        SELECT *, count(*) FILTER (WHERE kind IS NULL) OVER (
                PARTITION BY side, part ORDER BY at, id, kind IS NOT NULL
                ROWS UNBOUNDED PRECEDING) AS block
        FROM (
            SELECT side, part, at, id, kind, change FROM keyed
            UNION ALL
            SELECT side, part, at, id, NULL, NULL FROM starts
        ) events
    ), placed AS (
        SELECT side, part, block, kind, min(at) AS oldest, sum(change) AS change
        FROM numbered WHERE kind IS NOT NULL GROUP BY side, part, block, kind
    ), written AS (
        -- What is older than every block begins a block of its own.
        INSERT INTO list_blocks
        SELECT of_shop, sides[p.side], p.part,
               coalesce(s.at, min(p.oldest) OVER (PARTITION BY p.side, p.part, p.block)),
               coalesce(s.id, '00000000-0000-0000-0000-000000000000'), p.kind, p.change
        FROM placed p LEFT JOIN starts s USING (side, part, block)
        ON CONFLICT (shop_id, series, part, first_at, first_id, kind)
        DO UPDATE SET rows = list_blocks.rows + excluded.rows
        RETURNING list_blocks.*
    )
    SELECT array_agg(written) INTO touched FROM written;
    FOR one IN
        SELECT b.series, b.part, b.first_at, b.first_id
        FROM (SELECT DISTINCT series, part, first_at, first_id FROM unnest(touched)) t
        JOIN list_blocks b ON b.shop_id = of_shop AND b.series = t.series AND b.part = t.part
             AND b.first_at = t.first_at AND b.first_id = t.first_id
        GROUP BY b.series, b.part, b.first_at, b.first_id HAVING sum(b.rows) > 2 * size
    LOOP
        CALL split_block(of_shop, one.series, one.part, one.first_at, one.first_id, size);
    END LOOP;
END $$;

-- Analyze a list's table once it has four times as many pages as when it was analyzed last. Autovacuum
-- comes once a minute: until then, plans that were made for a nearly empty table read all messages of
-- a shop for each group of marks.
CREATE FUNCTION analyze_grown(of_list text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF (SELECT pg_relation_size(c.oid) / current_setting('block_size')::integer
               > 4 * greatest(c.relpages, 10)
        FROM pg_class c WHERE c.oid = of_list::regclass) THEN
        EXECUTE format('ANALYZE (SKIP_LOCKED) %I', of_list);
    END IF;
END $$;
REVOKE ALL ON FUNCTION analyze_grown FROM public;
GRANT EXECUTE ON FUNCTION analyze_grown TO openstoq_app;

-- Create the triggers of a list's table: each statement that writes it appends its changes, and some
-- of the statements fold them. Citus allows no triggers on the tables that it distributes, so lists are
-- counted row by row there.
CREATE PROCEDURE keep_counts(of_list text, listed_row text)
LANGUAGE plpgsql
AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        RETURN;
    END IF;
    EXECUTE format($made$
        CREATE FUNCTION note_change_of_%1$s() RETURNS trigger
        LANGUAGE plpgsql
        AS $body$
        DECLARE
            noted bigint;
            one uuid;
        BEGIN
            -- Sign-ups come one by one and pay for every step here, so each branch is one statement.
            IF TG_OP = 'INSERT' THEN
                WITH sets AS (
                    INSERT INTO list_change_sets
                        (shop_id, list, variant_id, product_id, kind, change, at, ids)
                    SELECT shop_id, %1$L, variant_id, product_id, kind, 1, array_agg(at), array_agg(id)
                    FROM (SELECT shop_id, %2$s FROM new_rows)
                        r(shop_id, at, id, variant_id, product_id, kind)
                    GROUP BY shop_id, variant_id, product_id, kind
                    RETURNING cardinality(ids) AS keys
                )
                SELECT sum(keys) INTO noted FROM sets;
            ELSIF TG_OP = 'UPDATE' THEN
                WITH sets AS (
                    INSERT INTO list_change_sets
                        (shop_id, list, variant_id, product_id, kind, change, at, ids)
                    SELECT shop_id, %1$L, variant_id, product_id, kind, change,
                           array_agg(at), array_agg(id)
                    FROM (
                        SELECT shop_id, at, id, variant_id, product_id, kind, sum(change) AS change
                        FROM (
                            SELECT shop_id, %2$s, 1 FROM new_rows
                            UNION ALL
                            SELECT shop_id, %2$s, -1 FROM old_rows
                        ) r(shop_id, at, id, variant_id, product_id, kind, change)
                        GROUP BY shop_id, at, id, variant_id, product_id, kind HAVING sum(change) <> 0
                    ) net
                    GROUP BY shop_id, variant_id, product_id, kind, change
                    RETURNING cardinality(ids) AS keys
                )
                SELECT sum(keys) INTO noted FROM sets;
            ELSE
                -- A shop that is erased takes its counts along.
                WITH sets AS (
                    INSERT INTO list_change_sets
                        (shop_id, list, variant_id, product_id, kind, change, at, ids)
                    SELECT shop_id, %1$L, variant_id, product_id, kind, -1, array_agg(at), array_agg(id)
                    FROM (SELECT shop_id, %2$s FROM old_rows)
                        r(shop_id, at, id, variant_id, product_id, kind)
                    WHERE EXISTS (SELECT FROM shops s WHERE s.shop_id = r.shop_id)
                    GROUP BY shop_id, variant_id, product_id, kind
                    RETURNING cardinality(ids) AS keys
                )
                SELECT sum(keys) INTO noted FROM sets;
            END IF;
            -- About once in 512 changes.
            IF random() * 512 < noted THEN
                PERFORM analyze_grown(%1$L);
                IF TG_OP = 'DELETE' THEN
                    FOR one IN SELECT DISTINCT shop_id FROM old_rows LOOP
                        PERFORM fold_list(one, %1$L, 2000);
                    END LOOP;
                ELSE
                    FOR one IN SELECT DISTINCT shop_id FROM new_rows LOOP
                        PERFORM fold_list(one, %1$L, 2000);
                    END LOOP;
                END IF;
            END IF;
            RETURN NULL;
        END $body$
    $made$, of_list, listed_row);
    EXECUTE format(
        'CREATE TRIGGER count_new AFTER INSERT ON %1$I REFERENCING NEW TABLE AS new_rows '
        'FOR EACH STATEMENT EXECUTE FUNCTION note_change_of_%1$s()', of_list);
    EXECUTE format(
        'CREATE TRIGGER count_changed AFTER UPDATE ON %1$I '
        'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows '
        'FOR EACH STATEMENT EXECUTE FUNCTION note_change_of_%1$s()', of_list);
    EXECUTE format(
        'CREATE TRIGGER count_gone AFTER DELETE ON %1$I REFERENCING OLD TABLE AS old_rows '
        'FOR EACH STATEMENT EXECUTE FUNCTION note_change_of_%1$s()', of_list);
    -- CREATE TRIGGER has locked the table against other writers, so these are all of its rows.
    INSERT INTO list_change_sets (shop_id, list, variant_id, product_id, kind, change, at, ids)
    SELECT shop_id, list, variant_id, product_id, kind, 1, array_agg(at), array_agg(id)
    FROM listed_rows WHERE list = of_list
    GROUP BY shop_id, list, variant_id, product_id, kind;
    PERFORM fold_list(s.shop_id, of_list, 2000) FROM shops s;
END $$;

CALL keep_counts('signups', 'created_at, id, variant_id, product_id, '
    'signup_kind(channel, unsubscribed_at, notified_at, blocked_at)');
CALL keep_counts('notifications',
    $$created_at, id, variant_id, product_id, channel || ' ' || status$$);
CALL keep_counts('preorder_orders', 'placed_at, id, NULL::bigint, NULL::bigint, state');
