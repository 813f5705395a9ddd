-- What was due when an order was placed, before any edit: the next reading of an order fills it in.
ALTER TABLE preorder_orders
    ADD COLUMN at_checkout   numeric,
    ADD COLUMN held_again_at timestamptz; -- when an unpaid preorder was held again
COMMENT ON COLUMN preorder_orders.at_checkout IS
    'the amount of the whole order that was due at checkout; NULL until Shopify has stated it';
ALTER TABLE preorder_lines ADD COLUMN added numeric NOT NULL DEFAULT 0;
COMMENT ON COLUMN preorder_lines.added IS 'the price of units that an edit added';
-- A payment may be for the deposit and for the balance, and then has an entry for each.
DROP INDEX preorder_payments_by_transaction;
CREATE UNIQUE INDEX preorder_payments_by_transaction
    ON preorder_payments (shop_id, transaction_id, part);
