-- What only grew: points of clients that never came back.

-- Addresses' buckets belong to no shop that a transaction could name, so this passes by the role.
CREATE FUNCTION forget_spent_points() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$ DELETE FROM rate_buckets WHERE last_second < extract(epoch FROM now()) - 3600 $$;
REVOKE ALL ON FUNCTION forget_spent_points FROM public;
GRANT EXECUTE ON FUNCTION forget_spent_points TO openstoq_app;

CREATE INDEX audit_log_by_age ON audit_log (shop_id, at);

-- The planner has no statistics of new tables, and then takes any index that begins with shop_id
-- for a foreign key's check; one less may mislead it.
DROP INDEX customers_by_shopify_id;
CREATE INDEX customers_by_shopify_id ON customers (shop_id, shopify_id) WHERE shopify_id IS NOT NULL;

-- Pulls tell which products the shop no longer has.
ALTER TABLE products ADD COLUMN seen_at timestamptz;
