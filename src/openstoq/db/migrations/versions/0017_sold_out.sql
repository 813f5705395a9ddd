-- Whether a variant is sold out is decided in one place and remembered, so that its inventory
-- policy is touched only when the decision changes.
ALTER TABLE preorder_variants
    ADD COLUMN sold_out boolean NOT NULL DEFAULT false, -- as it was decided last
    ADD COLUMN stopped boolean NOT NULL DEFAULT false;  -- by that; it goes on when there is more

-- What was stopped up to now, to be decided anew by the next run.
UPDATE preorder_variants p SET sold_out = true, stopped = true, revision = revision + 1
WHERE p.policy_asked = 'deny' AND EXISTS (
    SELECT FROM offer_variants m JOIN offers o ON o.shop_id = m.shop_id AND o.id = m.offer_id
    WHERE m.shop_id = p.shop_id AND m.variant_id = p.variant_id AND m.detached_at IS NULL
      AND (p.preorder_count >= m.max_count OR (o.limits->'total'->>'max')::integer <= (
            SELECT sum(l.quantity) FROM preorder_lines l
            WHERE l.shop_id = o.shop_id AND l.offer_id = o.id)));
