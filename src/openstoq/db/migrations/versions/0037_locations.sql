-- 0025 took it that online orders are sent from every location. What is in stock at one that was not
-- read since is no reason to announce a variant.
ALTER TABLE locations ADD COLUMN sells_online_assumed boolean NOT NULL DEFAULT false;
UPDATE locations SET sells_online_assumed = true WHERE sells_online;
COMMENT ON COLUMN locations.sells_online_assumed IS 'sells_online was never read from the shop';
COMMENT ON COLUMN products.published_at IS 'since when the online store shows it; NULL if it does
not; -infinity if the product was not read since before this was stored';

-- A deleted location had this name until now.
ALTER TABLE locations ADD COLUMN deleted_at timestamptz;
UPDATE locations SET deleted_at = changed_at WHERE name = 'deleted' AND NOT active;
