-- Whose a lease is: a run that lost it does not let its successor's go.
ALTER TABLE offers ADD COLUMN sync_lease uuid;
ALTER TABLE preorder_orders ADD COLUMN sync_lease uuid, ADD COLUMN cancel_asked_at timestamptz;
ALTER TABLE preorder_shops ADD COLUMN sync_lease uuid;
