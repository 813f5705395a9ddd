-- A refund that is retried with the same key must have the same amount in the shopper's currency.
ALTER TABLE preorder_payments ADD COLUMN returned_before numeric;
COMMENT ON COLUMN preorder_payments.returned_before IS
    'of a refund: how much of its payment was refunded when it was first handed to the shop';
