-- Made by `openstoq docs` from src/openstoq/db/tables.py; edit these instead.
-- Run it with psql on the coordinator, as the owner of the tables, after `openstoq migrate`. It may
-- be run again: it leaves tables alone that are distributed already.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;

-- A table cannot be distributed while a local table refers to it, so the foreign keys of local tables
-- are dropped and added again at the end.
CREATE TEMPORARY TABLE dropped AS
SELECT conrelid::regclass::text AS table_name, conname, pg_get_constraintdef(oid) AS definition
FROM pg_constraint
WHERE contype = 'f' AND connamespace = 'public'::regnamespace
  AND conrelid NOT IN (SELECT logicalrelid FROM pg_dist_partition);
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', table_name, conname) FROM dropped \gexec

-- Copied to every server: they are read before the shop is known, or referred to by every row.
SELECT format('SELECT create_reference_table(%L)', name)
FROM unnest(ARRAY[
    'shops',
    'api_keys'
]) WITH ORDINALITY AS tables (name, place)
WHERE name::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition)
ORDER BY place \gexec

-- Spread by shop_id: all rows of a shop are on one server.
SELECT format('SELECT create_distributed_table(%L, %L)', name, 'shop_id')
FROM unnest(ARRAY['audit_log']) AS tables (name)
WHERE name::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition) \gexec
SELECT format('SELECT create_distributed_table(%L, %L, colocate_with => %L)',
              name, 'shop_id', 'audit_log')
FROM unnest(ARRAY[
    'idempotency_keys',
    'webhook_deliveries',
    'privacy_requests',
    'bulk_jobs',
    'item_faults',
    'products',
    'variants',
    'locations',
    'inventory_levels',
    'markets',
    'catalog_pulls',
    'back_in_stock_settings',
    'message_templates',
    'customers',
    'signups',
    'signup_import_rows',
    'waves',
    'notifications',
    'list_blocks',
    'list_change_sets',
    'offers',
    'offer_translations',
    'offer_plans',
    'offer_variants',
    'preorder_variants',
    'preorder_shops',
    'preorder_orders',
    'preorder_lines',
    'preorder_payments',
    'preorder_fulfillment_orders',
    'other_orders'
]) WITH ORDINALITY AS tables (name, place)
WHERE name::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition)
ORDER BY place \gexec

SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', table_name, conname, definition)
FROM dropped ORDER BY definition ~ 'REFERENCES shops' DESC, table_name \gexec

-- Citus connects to the other servers as the role of the transaction, which must be able to log in.
ALTER ROLE openstoq_app LOGIN;
-- SET LOCAL of the shop and the role must reach them, or row-level security hides every row.
ALTER DATABASE :"DBNAME" SET citus.propagate_set_commands = 'local';
-- While Citus hides its shards from the catalogue, asyncpg takes half a second for each new
-- connection.
ALTER DATABASE :"DBNAME" SET citus.override_table_visibility = off;
