-- What items failed at that have no place of their own for it: an order that cannot be read, a
-- product that cannot be stored. They are tried again after a pause that grows with `times`.
CREATE TABLE item_faults (
    shop_id  uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    kind     text NOT NULL, -- order, product, balance, …
    item     text NOT NULL, -- its id
    error    text NOT NULL, -- a sentence without contacts
    times    integer NOT NULL DEFAULT 1,
    noted_at timestamptz NOT NULL,
    PRIMARY KEY (shop_id, kind, item)
);
CALL protect_tenant('item_faults');

-- Who has heard of a delivery already, while another subscriber's turn is repeated.
ALTER TABLE webhook_deliveries ADD COLUMN heard text[] NOT NULL DEFAULT '{}';
