-- Housekeeping reaches uninstalled shops too, and takes bounded steps.

-- Every shop, installed or not. Like installed_shops, it is for schedules alone.
CREATE FUNCTION every_shop() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT shop_id FROM shops ORDER BY shop_id $$;
REVOKE ALL ON FUNCTION every_shop FROM public;
GRANT EXECUTE ON FUNCTION every_shop TO openstoq_app;

-- Drop up to `most` buckets from which nothing was taken for an hour, and say how many. The one
-- without a bound stays for workers of before.
CREATE FUNCTION forget_spent_points(most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH spent AS (
        SELECT bucket FROM rate_buckets WHERE last_second < extract(epoch FROM now()) - 3600
        LIMIT most FOR UPDATE SKIP LOCKED
    ), forgotten AS (
        DELETE FROM rate_buckets USING spent WHERE rate_buckets.bucket = spent.bucket RETURNING 1
    )
    SELECT count(*) FROM forgotten
$$;
REVOKE ALL ON FUNCTION forget_spent_points(integer) FROM public;
GRANT EXECUTE ON FUNCTION forget_spent_points(integer) TO openstoq_app;
