-- What a variant's inventory item was last told to be, so that older news does not bring it back.
ALTER TABLE variants
    ADD COLUMN item_updated_at timestamptz,  -- Shopify's, to the second
    ADD COLUMN item_triggered_at timestamptz; -- of the delivery: orders changes within one second
