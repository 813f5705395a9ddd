-- Changes of lists are noted and counted in sets: a statement that changes 200 rows alike appends one row
-- with 200 keys, instead of 200 or 400 rows. Sending a mail changes its message and its signup, and
-- noting that cost PostgreSQL as much as all the rest of a mail.

ALTER TABLE list_changes RENAME TO single_list_changes;

-- Rows of a list that came (1), went (-1), or became of the kind or were of it, until they are counted.
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

-- One row for each key, as lists read them.
CREATE VIEW list_changes WITH (security_invoker = true) AS
SELECT s.shop_id, s.list, k.at, k.id, s.variant_id, s.product_id, s.kind, s.change
FROM list_change_sets s CROSS JOIN LATERAL unnest(s.at, s.ids) k(at, id);
GRANT SELECT ON list_changes TO openstoq_app;

-- Count a list's changes in its blocks once there are `fewest` of them, and split what became too long.
CREATE OR REPLACE FUNCTION fold_list(of_shop uuid, of_list text, fewest integer) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    touched list_blocks[];
    one record;
    sides CONSTANT text[] := ARRAY[of_list, of_list || '/variant', of_list || '/product'];
    size CONSTANT integer := 1000;
BEGIN
    -- One at a time for each list; whoever comes meanwhile leaves its changes to the next.
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

-- Have the triggers on a list's table append what a statement changed, and fold it now and then.
CREATE PROCEDURE note_in_sets(of_list text, listed_row text)
LANGUAGE plpgsql
AS $$
BEGIN
    -- Citus takes no triggers on the tables that it distributes: there, lists are counted row by row.
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        RETURN;
    END IF;
    EXECUTE format($made$
        CREATE OR REPLACE FUNCTION note_change_of_%1$s() RETURNS trigger
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
END $$;

CALL note_in_sets('signups', 'created_at, id, variant_id, product_id, '
    'signup_kind(channel, unsubscribed_at, notified_at, blocked_at)');
CALL note_in_sets('notifications',
    $$created_at, id, variant_id, product_id, channel || ' ' || status$$);
CALL note_in_sets('preorder_orders', 'placed_at, id, NULL::bigint, NULL::bigint, state');
DROP PROCEDURE note_in_sets;

INSERT INTO list_change_sets (shop_id, list, variant_id, product_id, kind, change, at, ids)
SELECT shop_id, list, variant_id, product_id, kind, change, array_agg(at), array_agg(id)
FROM single_list_changes
GROUP BY shop_id, list, variant_id, product_id, kind, change;
DROP TABLE single_list_changes;
