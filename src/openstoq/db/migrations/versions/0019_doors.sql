-- What strangers send stays with their own sign-ups, and what they can set off has an end.

ALTER TABLE signups
    ADD COLUMN name                text,    -- as it was given with this sign-up, for its mails
    ADD COLUMN shopify_customer_id bigint,  -- who was logged in, where Shopify signed the request
    ADD COLUMN optin_to_ask        boolean NOT NULL DEFAULT false, -- by ask_returned, later
    ADD COLUMN optin_asked_at      timestamptz; -- when the mail that asks was let go
CREATE INDEX signups_to_ask ON signups (shop_id, created_at) WHERE optin_to_ask;
CREATE INDEX signups_of_shopify_customer ON signups (shop_id, shopify_customer_id)
    WHERE shopify_customer_id IS NOT NULL;

-- Every id up to now came with a form that anybody could send, and a request to be forgotten
-- would go by it. None can be told from a claim, so none is kept.
UPDATE customers SET shopify_id = NULL WHERE shopify_id IS NOT NULL;

-- Whether the whole catalogue was read once, so that a variant that is not in it does not exist.
ALTER TABLE catalog_pulls ADD COLUMN complete boolean NOT NULL DEFAULT false;
UPDATE catalog_pulls SET complete = true
WHERE finished_at IS NOT NULL OR updated_since IS NOT NULL;

-- The installed shop of a domain, and may a stranger at this address spend `cost` points there,
-- and all strangers together? The address pays first, so that one of them cannot spend what is
-- for all. `points_per_window` says which of the two limits the rest is about.
-- No row: no such shop.
CREATE FUNCTION admit_stranger(
    wanted text, bucket_name text, cost integer, address_points integer, shop_points integer,
    OUT shop shops, OUT points_per_window integer,
    OUT allowed boolean, OUT remaining integer, OUT reset_at bigint, OUT retry_after integer
) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    all_of_them record;
BEGIN
    SELECT * INTO shop FROM shops s WHERE s.domain = wanted AND s.uninstalled_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    points_per_window := address_points;
    SELECT t.allowed, t.remaining, t.reset_at, t.retry_after
    INTO allowed, remaining, reset_at, retry_after
    FROM take_points(bucket_name, cost, address_points) t;
    IF allowed THEN
        SELECT * INTO all_of_them FROM take_points('strangers/' || shop.shop_id, cost, shop_points);
        IF NOT all_of_them.allowed THEN
            points_per_window := shop_points;
            allowed := false;
            remaining := all_of_them.remaining;
            reset_at := all_of_them.reset_at;
            retry_after := all_of_them.retry_after;
        END IF;
    END IF;
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION admit_stranger FROM public;
GRANT EXECUTE ON FUNCTION admit_stranger TO openstoq_app;

-- When a contact was asked to confirm a sign-up, whichever shop's it was. It belongs to no shop,
-- so it holds a digest under the installation's key. A crash may forget it.
CREATE UNLOGGED TABLE asked_contacts (
    contact  text PRIMARY KEY,
    asked_at timestamptz[] NOT NULL -- of the last 24 hours
);

-- May a contact be asked once more, after at most `most` times in 24 hours? It counts as asked.
CREATE FUNCTION may_ask(contact_digest text, most integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    recent timestamptz[];
BEGIN
    INSERT INTO asked_contacts VALUES (contact_digest, '{}') ON CONFLICT DO NOTHING;
    SELECT a.asked_at INTO recent FROM asked_contacts a WHERE a.contact = contact_digest FOR UPDATE;
    recent := ARRAY(SELECT t FROM unnest(recent) t WHERE t > now() - interval '24 hours');
    IF cardinality(recent) >= most THEN
        RETURN false;
    END IF;
    UPDATE asked_contacts a SET asked_at = recent || clock_timestamp()
    WHERE a.contact = contact_digest;
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION may_ask FROM public;
GRANT EXECUTE ON FUNCTION may_ask TO openstoq_app;

-- Drop up to `most` contacts that were not asked for 24 hours, and say how many.
CREATE FUNCTION forget_asked(most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH spent AS (
        SELECT contact FROM asked_contacts
        WHERE asked_at[cardinality(asked_at)] < now() - interval '24 hours'
        LIMIT most FOR UPDATE SKIP LOCKED
    ), forgotten AS (
        DELETE FROM asked_contacts USING spent WHERE asked_contacts.contact = spent.contact
        RETURNING 1
    )
    SELECT count(*) FROM forgotten
$$;
REVOKE ALL ON FUNCTION forget_asked FROM public;
GRANT EXECUTE ON FUNCTION forget_asked TO openstoq_app;
