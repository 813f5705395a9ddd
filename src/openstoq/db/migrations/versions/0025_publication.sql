-- What shoppers can open and buy: publication, places that sell online, variants that are not counted,
-- variants that were deleted and made again.

-- Since when the online store shows a product; NULL: it does not. What is known already, and what a
-- process of the release before writes, counts as shown until the nightly pull has read it.
ALTER TABLE products ADD COLUMN published_at timestamptz DEFAULT '-infinity';

-- Whether online orders are sent from here; NULL: not read yet, because no webhook says it.
ALTER TABLE locations ADD COLUMN sells_online boolean DEFAULT true;

ALTER TABLE variants ADD COLUMN replaced_by bigint; -- the variant that was made in place of a deleted one
COMMENT ON COLUMN variants.available IS 'over all locations that sell online; NULL until the first level
is known; the largest integer of a variant that is not tracked, which can always be sold';
UPDATE variants SET available = 2147483647 WHERE NOT tracked;

-- The signups that a wave notifies were made until then; NULL: until its start. It is later where a
-- restock is still valid for shoppers who signed up or confirmed after it.
ALTER TABLE waves ADD COLUMN listed_until timestamptz;
ALTER TABLE waves DROP CONSTRAINT waves_ended_by_check;
ALTER TABLE waves ADD CONSTRAINT waves_ended_by_check
    CHECK (ended_by IN ('all_told', 'sold_out', 'uninstalled', 'switched_off'));
