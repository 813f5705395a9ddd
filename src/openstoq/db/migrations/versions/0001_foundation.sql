-- Shops, keys, points, idempotency and the audit trail; what every later table relies on.

-- The role that serves requests and jobs: it owns nothing and cannot bypass row-level security.
-- A transaction takes it on with SET LOCAL ROLE, so any login user that is a member will do.
DO $$
BEGIN
    CREATE ROLE openstoq_app NOLOGIN NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- Roles belong to the whole server: another database has made it.
END $$;
DO $$
BEGIN
    EXECUTE format('GRANT openstoq_app TO %I', current_user);
EXCEPTION WHEN invalid_grant_operation THEN
    NULL; -- The login user is openstoq_app itself.
END $$;
GRANT USAGE ON SCHEMA public TO openstoq_app;

-- The shop whose rows this transaction may see; NULL sees none.
CREATE FUNCTION current_shop() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('openstoq.shop_id', true), '')::uuid $$;

-- Turn a table into a tenant's: only rows of current_shop() exist for openstoq_app.
CREATE PROCEDURE protect_tenant(tenant_table regclass)
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
        'CREATE POLICY own_shop ON %s TO openstoq_app '
        'USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop())', tenant_table);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO openstoq_app', tenant_table);
END $$;

CREATE TABLE shops (
    shop_id        uuid PRIMARY KEY,
    domain         text NOT NULL UNIQUE, -- its .myshopify.com domain, lower case
    shopify_id     bigint,
    name           text NOT NULL,
    email          text,
    url            text,
    currency       text NOT NULL DEFAULT 'USD',
    timezone       text NOT NULL DEFAULT 'UTC',
    locale         text NOT NULL DEFAULT 'en',
    api_url        text,  -- where its Admin API answers, when that is not https://<domain>
    access_token   bytea, -- sealed: see shops/seal.py
    client_secret  bytea, -- sealed; of its own app, when it does not use the installation's
    rate_points    integer CHECK (rate_points > 0),
    installed_at   timestamptz NOT NULL DEFAULT now(),
    uninstalled_at timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
);
CALL protect_tenant('shops');

CREATE TABLE api_keys (
    shop_id    uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    id         uuid NOT NULL,
    name       text NOT NULL,
    hint       text NOT NULL, -- the key's last four characters, to tell keys apart
    key_hash   bytea NOT NULL, -- SHA-256: a key is 190 random bits, so it needs no slow hash
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (shop_id, id)
);
CREATE INDEX api_keys_by_hash ON api_keys (key_hash);
CALL protect_tenant('api_keys');

CREATE TABLE audit_log (
    shop_id    uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    id         uuid NOT NULL,
    at         timestamptz NOT NULL,
    actor      text NOT NULL, -- key:<id of the key>, storefront or system
    action     text NOT NULL,
    target     text,
    request_id text NOT NULL,
    arguments  jsonb NOT NULL, -- contacts and names are masked
    PRIMARY KEY (shop_id, id)
);
CALL protect_tenant('audit_log');

CREATE TABLE idempotency_keys (
    shop_id     uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    status      integer NOT NULL,
    body        bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (shop_id, key)
);
CALL protect_tenant('idempotency_keys');

-- Points spent in each of the last sixty seconds: the second s is kept at index s % 60 + 1.
-- A crash may forget them, so the table is not logged.
CREATE UNLOGGED TABLE rate_buckets (
    bucket      text PRIMARY KEY,
    last_second bigint NOT NULL,
    points      integer[] NOT NULL
) WITH (fillfactor = 50);

-- Spend `cost` points of `bucket` if the rolling window of 60 s still holds them.
-- `reset_at` (unix seconds) is when all points spent so far are back; `retry_after` is the
-- seconds until `cost` points are.
CREATE FUNCTION take_points(
    bucket_name text, cost integer, points_per_window integer,
    OUT allowed boolean, OUT remaining integer, OUT reset_at bigint, OUT retry_after integer
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    this_second bigint := floor(extract(epoch FROM clock_timestamp()));
    ring integer[];
    latest bigint;
    spent integer := 0;
    back integer := 0;
    second bigint;
BEGIN
    SELECT b.points, b.last_second INTO ring, latest
    FROM rate_buckets b WHERE b.bucket = bucket_name FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO rate_buckets VALUES (bucket_name, this_second, array_fill(0, ARRAY[60]))
        ON CONFLICT DO NOTHING;
        SELECT b.points, b.last_second INTO ring, latest
        FROM rate_buckets b WHERE b.bucket = bucket_name FOR UPDATE;
    END IF;
    -- A waiter on the row lock may wake up in a later second than it began in.
    this_second := greatest(floor(extract(epoch FROM clock_timestamp()))::bigint, latest);
    FOR second IN greatest(latest + 1, this_second - 59) .. this_second LOOP
        ring[second % 60 + 1] := 0;
    END LOOP;
    SELECT sum(p) INTO spent FROM unnest(ring) p;

    allowed := spent + cost <= points_per_window;
    IF allowed THEN
        ring[this_second % 60 + 1] := ring[this_second % 60 + 1] + cost;
        spent := spent + cost;
        retry_after := 0;
        UPDATE rate_buckets b SET last_second = this_second, points = ring
        WHERE b.bucket = bucket_name;
    ELSE
        retry_after := 60;
        FOR second IN this_second - 59 .. this_second LOOP
            back := back + ring[second % 60 + 1];
            IF spent - back + cost <= points_per_window THEN
                retry_after := second + 60 - this_second;
                EXIT;
            END IF;
        END LOOP;
    END IF;
    remaining := greatest(points_per_window - spent, 0);
    reset_at := this_second;
    FOR second IN REVERSE this_second .. this_second - 59 LOOP
        IF ring[second % 60 + 1] > 0 THEN
            reset_at := second + 60;
            EXIT;
        END IF;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION take_points FROM public;
GRANT EXECUTE ON FUNCTION take_points TO openstoq_app;

-- The functions below are the only ways past row-level security: each answers one question
-- that has to be asked before the shop is known.

-- Whose key is this, and may it spend `cost` points? No row: no such live key.
CREATE FUNCTION admit_key(
    presented_hash bytea, cost integer, default_points integer,
    OUT shop shops, OUT key_id uuid, OUT points_per_window integer,
    OUT allowed boolean, OUT remaining integer, OUT reset_at bigint, OUT retry_after integer
) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    shop_id_of_key uuid;
BEGIN
    SELECT k.shop_id, k.id INTO shop_id_of_key, key_id
    FROM api_keys k
    WHERE k.key_hash = presented_hash
      AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > now());
    SELECT * INTO shop FROM shops s
    WHERE s.shop_id = shop_id_of_key AND s.uninstalled_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    points_per_window := coalesce(shop.rate_points, default_points);
    SELECT t.allowed, t.remaining, t.reset_at, t.retry_after
    INTO allowed, remaining, reset_at, retry_after
    FROM take_points(shop.shop_id::text, cost, points_per_window) t;
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION admit_key FROM public;
GRANT EXECUTE ON FUNCTION admit_key TO openstoq_app;

-- The installed shop of a domain, and may this client's address spend `cost` points there?
-- No row: no such shop.
CREATE FUNCTION admit_address(
    wanted text, bucket_name text, cost integer, points_per_window integer,
    OUT shop shops,
    OUT allowed boolean, OUT remaining integer, OUT reset_at bigint, OUT retry_after integer
) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    SELECT * INTO shop FROM shops s WHERE s.domain = wanted AND s.uninstalled_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT t.allowed, t.remaining, t.reset_at, t.retry_after
    INTO allowed, remaining, reset_at, retry_after
    FROM take_points(bucket_name, cost, points_per_window) t;
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION admit_address FROM public;
GRANT EXECUTE ON FUNCTION admit_address TO openstoq_app;

-- The shop of a domain, as webhooks and storefronts name it.
CREATE FUNCTION shop_of_domain(wanted text) RETURNS SETOF shops
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT * FROM shops WHERE domain = wanted $$;
REVOKE ALL ON FUNCTION shop_of_domain FROM public;
GRANT EXECUTE ON FUNCTION shop_of_domain TO openstoq_app;

-- Every installed shop, for schedules, which enqueue one job for each.
CREATE FUNCTION installed_shops() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT shop_id FROM shops WHERE uninstalled_at IS NULL ORDER BY shop_id $$;
REVOKE ALL ON FUNCTION installed_shops FROM public;
GRANT EXECUTE ON FUNCTION installed_shops TO openstoq_app;

-- So that /readyz can tell whether the schema is current, whoever owns the tables.
GRANT SELECT ON alembic_version TO openstoq_app;
