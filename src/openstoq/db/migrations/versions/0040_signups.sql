-- A search for a part of a contact uses an index of the three-letter pieces of all customers' contacts.
-- It needs no extension, because pg_trgm is missing in some PostgreSQLs, such as the embedded one.

-- Return the pieces of a customer's contacts. Each piece ends with a part of the shop's id, so that a
-- search does not read the contacts of other shops.
CREATE FUNCTION contact_pieces(shop_id uuid, identity text, email text, phone text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT coalesce(array_agg(DISTINCT substr(t.contacts, i, 3) || right(shop_id::text, 8)), '{}')
    FROM (SELECT lower(substr(identity, strpos(identity, ':') + 1)
                       || coalesce(E'\n' || nullif(email, substr(identity, strpos(identity, ':') + 1)), '')
                       || coalesce(E'\n' || nullif(phone, substr(identity, strpos(identity, ':') + 1)), ''))
         ) t(contacts),
         generate_series(1, length(t.contacts) - 2) i
);
-- A search reads the index's list of pending entries from end to end, so that list is kept short.
CREATE INDEX customers_by_piece ON customers
    USING gin (contact_pieces(shop_id, identity, email, phone)) WITH (gin_pending_list_limit = 256);

-- Return the customers with an e-mail address that contains one of `emails`, and with a phone number
-- that contains one of `phones`. If either is NULL, only the other counts. All texts are in lower case.
-- Returns NULL if a text has fewer than three letters, if more than `most` customers are found, or if
-- many of the newest signups contain a text, because the list itself then shows them faster.
-- Under row-level security, PostgreSQL would not use the index for the texts. So this function
-- bypasses it, and reads only rows of the transaction's shop.
CREATE FUNCTION find_contacts(of_shop uuid, emails text[], phones text[], most integer)
RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off
AS $$
DECLARE
    found uuid[];
    texts text[] := coalesce(emails, phones);
    newest text[];
BEGIN
    IF of_shop IS DISTINCT FROM current_shop() THEN
        RETURN '{}';
    END IF;
    IF EXISTS (SELECT FROM unnest(texts) t WHERE length(t) < 3) THEN
        RETURN NULL;
    END IF;
    newest := ARRAY(
        SELECT lower(contact) FROM signups WHERE shop_id = of_shop
        ORDER BY created_at DESC, id DESC LIMIT 300);
    IF (SELECT count(*) FROM unnest(newest) n
        WHERE EXISTS (SELECT FROM unnest(texts) t WHERE strpos(n, t) > 0)) > 10 THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(DISTINCT f.id) INTO found FROM (
        SELECT c.id FROM unnest(texts) t CROSS JOIN LATERAL (
            -- A piece that many contacts have, such as the end of a domain, hardly narrows the search,
            -- and makes it slower.
            SELECT array_agg(r.piece) AS pieces FROM (
                SELECT p.piece, n.holders, row_number() OVER (ORDER BY n.holders, p.piece) AS rank
                FROM unnest(contact_pieces(of_shop, ':' || t, NULL, NULL)) p(piece),
                     LATERAL (SELECT count(*) AS holders FROM unnest(newest[:100]) c
                              WHERE strpos(c, left(p.piece, -8)) > 0) n
            ) r WHERE r.rank <= 2 OR (r.rank <= 6 AND r.holders <= 10)
        ) rare CROSS JOIN LATERAL (
            SELECT c.* FROM customers c
            WHERE c.shop_id = of_shop
              AND contact_pieces(c.shop_id, c.identity, c.email, c.phone) @> rare.pieces) c
        WHERE (emails IS NULL OR EXISTS (
                SELECT FROM unnest(emails) e
                WHERE strpos(lower(substr(c.identity, strpos(c.identity, ':') + 1)), e) > 0
                   OR strpos(lower(c.email), e) > 0))
          AND (phones IS NULL OR EXISTS (
                SELECT FROM unnest(phones) p
                WHERE strpos(lower(substr(c.identity, strpos(c.identity, ':') + 1)), p) > 0
                   OR strpos(lower(c.phone), p) > 0))
        LIMIT most + 1) f;
    IF cardinality(found) > most THEN
        RETURN NULL;
    END IF;
    RETURN coalesce(found, '{}');
END $$;
REVOKE ALL ON FUNCTION find_contacts FROM public;
GRANT EXECUTE ON FUNCTION find_contacts TO openstoq_app;

-- Undo a statement that runs outside a transaction, by raising `reason` as its error.
CREATE FUNCTION refuse(reason text) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'OQ001', MESSAGE = reason;
END $$;
