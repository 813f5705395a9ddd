-- Preorder orders, their lines, the ledger of their payments, and the orders that are none.

CREATE TABLE preorder_orders (
    shop_id          uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    order_id         bigint NOT NULL, -- Shopify's
    id               uuid NOT NULL,   -- ours, by which API v1 may name an order
    name             text NOT NULL,
    placed_at        timestamptz NOT NULL,
    customer_id      bigint,
    customer_name    text,
    email            text,
    phone            text,
    locale           text,
    country          text,
    market_id        bigint,
    currency         text NOT NULL,
    -- What the shop had when the order was last read.
    read_at          timestamptz, -- when that reading began
    shop_updated_at  timestamptz NOT NULL,
    shop_cancelled_at timestamptz,
    total            numeric NOT NULL,
    received         numeric NOT NULL,
    refunded         numeric NOT NULL,
    outstanding      numeric NOT NULL,
    deposit          numeric NOT NULL, -- what the preorder costs at checkout
    balance          numeric NOT NULL, -- and what later
    due_at           timestamptz,
    snapshot         jsonb NOT NULL,   -- fulfillment orders, schedules, payment methods, tags, links
    -- What was decided here.
    state            text NOT NULL CHECK (state IN ('placed', 'awaiting_balance',
        'balance_collected', 'released', 'fulfilled', 'cancelled', 'refunded')),
    collect          text NOT NULL DEFAULT 'manual'
        CHECK (collect IN ('manual', 'when_due', 'when_fulfilled')), -- who asks for the balance
    collected_at     timestamptz, -- the balance was
    released_at      timestamptz,
    cancelled_at     timestamptz,
    cancel_reason    text,
    exceeded         text[] NOT NULL DEFAULT '{}', -- sentences: which limits it went over
    hold_wanted      boolean,     -- NULL leaves holds alone
    split_wanted     boolean NOT NULL DEFAULT false,
    tags_wanted      text[] NOT NULL DEFAULT '{}',
    tags_unwanted    text[] NOT NULL DEFAULT '{}',
    cancel_wanted    boolean NOT NULL DEFAULT false, -- in the shop, too
    paid_wanted      boolean NOT NULL DEFAULT false, -- marked as paid in the shop
    revision         bigint NOT NULL DEFAULT 1,
    synced_revision  bigint NOT NULL DEFAULT 0,
    sync_error       text,
    sync_lease_until timestamptz, -- one run at a time works on an order
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    PRIMARY KEY (shop_id, order_id)
);
CREATE UNIQUE INDEX preorder_orders_by_id ON preorder_orders (shop_id, id);
CREATE INDEX preorder_orders_by_age ON preorder_orders (shop_id, placed_at, order_id);
CREATE INDEX preorder_orders_by_state ON preorder_orders (shop_id, state, placed_at);
CREATE INDEX preorder_orders_of_customer ON preorder_orders (shop_id, customer_id);
CREATE INDEX preorder_orders_behind ON preorder_orders (shop_id, updated_at)
    WHERE revision > synced_revision;
CREATE INDEX preorder_orders_of_email ON preorder_orders (shop_id, lower(email));
CREATE INDEX preorder_orders_due ON preorder_orders (shop_id, due_at)
    WHERE collected_at IS NULL AND cancelled_at IS NULL;
CALL protect_tenant('preorder_orders');

ALTER TABLE preorder_lines
    ADD COLUMN product_id    bigint,
    ADD COLUMN plan_id       bigint, -- NULL: matched by the line's property
    ADD COLUMN payment       text NOT NULL DEFAULT 'full',
    ADD COLUMN title         text NOT NULL DEFAULT '',
    ADD COLUMN variant_title text,
    ADD COLUMN sku           text,
    ADD COLUMN ordered       integer NOT NULL DEFAULT 0, -- units at checkout
    ADD COLUMN current       integer NOT NULL DEFAULT 0, -- units that are left in the order
    ADD COLUMN unfulfilled   integer NOT NULL DEFAULT 0, -- of them, those still to be sent
    ADD COLUMN unit_price    numeric NOT NULL DEFAULT 0,
    ADD COLUMN total         numeric NOT NULL DEFAULT 0, -- of the units that are left
    ADD COLUMN deposit       numeric NOT NULL DEFAULT 0,
    ADD COLUMN balance       numeric NOT NULL DEFAULT 0,
    ADD COLUMN exceeded      text;   -- which limit it went over, as a sentence
ALTER TABLE preorder_lines ADD CONSTRAINT preorder_lines_payment_check
    CHECK (payment IN ('full', 'partial'));
ALTER TABLE preorder_lines ADD CONSTRAINT preorder_lines_shop_id_order_id_fkey
    FOREIGN KEY (shop_id, order_id) REFERENCES preorder_orders ON DELETE CASCADE;
COMMENT ON COLUMN preorder_lines.quantity IS 'units that count against limits';
CREATE INDEX preorder_lines_of_order ON preorder_lines (shop_id, order_id);

CREATE TABLE preorder_payments (
    shop_id         uuid NOT NULL,
    id              uuid NOT NULL,
    order_id        bigint NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('deposit', 'balance', 'refund')),
    part            text NOT NULL CHECK (part IN ('deposit', 'balance')), -- that a refund pays back
    mode            text NOT NULL CHECK (mode IN ('checkout', 'auto', 'manual', 'link', 'refund')),
    amount          numeric NOT NULL CHECK (amount >= 0),
    currency        text NOT NULL,
    status          text NOT NULL CHECK (status IN
        ('pending', 'processing', 'authenticate', 'succeeded', 'failed', 'void')),
    idempotency_key text NOT NULL, -- of the present attempt
    reference       text,          -- by which the shop knows a charge under way
    transaction_id  bigint,        -- the shop's
    parent_id       bigint,        -- the transaction that a refund pays back
    gateway         text,
    attempts        integer NOT NULL DEFAULT 0,
    error           text,
    note            text,
    notify          boolean NOT NULL DEFAULT false,
    begun_at        timestamptz,   -- when the present attempt was handed over
    retry_at        timestamptz,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    settled_at      timestamptz,   -- when it succeeded, failed or was made void
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, order_id) REFERENCES preorder_orders ON DELETE CASCADE
);
CREATE INDEX preorder_payments_of_order ON preorder_payments (shop_id, order_id);
CREATE UNIQUE INDEX preorder_payments_by_key ON preorder_payments (shop_id, idempotency_key);
CREATE UNIQUE INDEX preorder_payments_by_transaction
    ON preorder_payments (shop_id, transaction_id);
-- Whatever else goes wrong, an order's balance is never charged by two at once.
CREATE UNIQUE INDEX preorder_payments_one_charge ON preorder_payments (shop_id, order_id)
    WHERE kind = 'balance' AND status IN ('pending', 'processing', 'authenticate');
CREATE INDEX preorder_payments_under_way ON preorder_payments (shop_id, updated_at)
    WHERE status IN ('pending', 'processing', 'authenticate');
CREATE INDEX preorder_payments_to_retry ON preorder_payments (shop_id, retry_at)
    WHERE retry_at IS NOT NULL;
CALL protect_tenant('preorder_payments');

-- Which order a fulfillment order belongs to: its webhooks do not say.
CREATE TABLE preorder_fulfillment_orders (
    shop_id              uuid NOT NULL,
    fulfillment_order_id bigint NOT NULL,
    order_id             bigint NOT NULL,
    PRIMARY KEY (shop_id, fulfillment_order_id),
    FOREIGN KEY (shop_id, order_id) REFERENCES preorder_orders ON DELETE CASCADE
);
CREATE INDEX preorder_fulfillment_orders_of_order
    ON preorder_fulfillment_orders (shop_id, order_id);
CALL protect_tenant('preorder_fulfillment_orders');

-- Orders that were read and found to have no preorder in them. None can be added to an order.
CREATE TABLE other_orders (
    shop_id  uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    order_id bigint NOT NULL,
    read_at  timestamptz NOT NULL,
    PRIMARY KEY (shop_id, order_id)
);
CREATE INDEX other_orders_by_age ON other_orders (shop_id, read_at);
CALL protect_tenant('other_orders');

CREATE TABLE markets (
    shop_id   uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    id        bigint NOT NULL, -- Shopify's
    name      text NOT NULL,
    active    boolean NOT NULL,
    countries text[] NOT NULL, -- ISO 3166 alpha-2
    PRIMARY KEY (shop_id, id)
);
CALL protect_tenant('markets');

-- How far the reconciliation of orders has come.
ALTER TABLE preorder_shops
    ADD COLUMN orders_since  timestamptz, -- of the pass under way
    ADD COLUMN orders_begun  timestamptz,
    ADD COLUMN orders_cursor text,
    ADD COLUMN orders_upto   timestamptz; -- orders updated before were all seen
