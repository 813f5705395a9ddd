-- Whether Shopify's own stock stops a variant's sale, as it was decided last. The variant then has
-- the inventory policy DENY.
ALTER TABLE preorder_variants ADD COLUMN by_stock boolean NOT NULL DEFAULT false;
-- What was stored without an effect takes effect with the next run.
UPDATE preorder_variants p SET revision = revision + 1
WHERE EXISTS (
    SELECT FROM offer_variants m JOIN offers o ON o.shop_id = m.shop_id AND o.id = m.offer_id
    WHERE m.shop_id = p.shop_id AND m.variant_id = p.variant_id AND m.detached_at IS NULL
      AND o.inventory->>'provider' = 'shopify');
-- Shopify has neither for a split, so nothing can be stored for them any more.
UPDATE offers SET shipping = jsonb_set(jsonb_set(shipping,
    '{fulfillment,split,sequential_number}', 'false'),
    '{fulfillment,split,transaction_gateway}', 'null')
WHERE shipping->'fulfillment'->'split'->>'sequential_number' = 'true'
   OR shipping->'fulfillment'->'split'->>'transaction_gateway' IS NOT NULL;
