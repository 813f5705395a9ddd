-- Whose a lease is: a run that lost it does not let its successor's go.
ALTER TABLE offers ADD COLUMN sync_lease uuid;
ALTER TABLE preorder_shops ADD COLUMN sync_lease uuid;
ALTER TABLE preorder_orders ADD COLUMN sync_lease uuid,
    ADD COLUMN cancel_asked_at timestamptz; -- the shop was, to cancel it; it takes its time
-- A message that a payment is due names the schedule, and not the order.
CREATE INDEX preorder_orders_by_schedule ON preorder_orders
    USING gin ((snapshot->'schedules') jsonb_path_ops) WHERE outstanding > 0;
