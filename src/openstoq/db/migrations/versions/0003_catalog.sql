-- Our copy of each shop's products, variants and stock by location.

CREATE TABLE products (
    shop_id    uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    id         bigint NOT NULL, -- Shopify's
    title      text NOT NULL,
    handle     text NOT NULL,
    vendor     text,
    status     text NOT NULL,
    url        text,
    image_url  text,
    updated_at timestamptz NOT NULL, -- Shopify's: an older event never overwrites a newer state
    deleted_at timestamptz,
    PRIMARY KEY (shop_id, id)
);
CALL protect_tenant('products');

CREATE TABLE variants (
    shop_id           uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    id                bigint NOT NULL, -- Shopify's
    product_id        bigint NOT NULL,
    title             text NOT NULL,
    sku               text,
    price             numeric(20, 4) NOT NULL,
    compare_at_price  numeric(20, 4),
    inventory_item_id bigint,
    inventory_policy  text NOT NULL,
    tracked           boolean NOT NULL,
    image_url         text,
    position          integer NOT NULL,
    updated_at        timestamptz NOT NULL,
    deleted_at        timestamptz,
    available         integer,     -- over all active locations; NULL until the first level is known
    sold_out_at       timestamptz, -- when `available` last became none
    PRIMARY KEY (shop_id, id)
);
CREATE INDEX variants_of_product ON variants (shop_id, product_id);
CREATE INDEX variants_of_item ON variants (shop_id, inventory_item_id);
CALL protect_tenant('variants');

CREATE TABLE locations (
    shop_id    uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    id         bigint NOT NULL, -- Shopify's
    name       text NOT NULL,
    active     boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (shop_id, id)
);
CALL protect_tenant('locations');

CREATE TABLE inventory_levels (
    shop_id           uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    inventory_item_id bigint NOT NULL,
    location_id       bigint NOT NULL,
    available         integer,  -- NULL: not stocked there (any more)
    updated_at        timestamptz NOT NULL, -- Shopify's, to the second
    triggered_at      timestamptz NOT NULL, -- of the delivery: orders changes within one second
    PRIMARY KEY (shop_id, inventory_item_id, location_id)
);
CALL protect_tenant('inventory_levels');

-- One pull of a shop's catalogue at a time; the cursor lets an interrupted one go on.
CREATE TABLE catalog_pulls (
    shop_id       uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    cursor        text,
    updated_since timestamptz, -- NULL: everything
    started_at    timestamptz NOT NULL,
    finished_at   timestamptz,
    products      integer NOT NULL DEFAULT 0,
    PRIMARY KEY (shop_id)
);
CALL protect_tenant('catalog_pulls');

CREATE TABLE webhook_deliveries (
    shop_id      uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    webhook_id   text NOT NULL, -- one per delivery, the same when Shopify tries again
    event_id     text,          -- shared by all deliveries of one merchant action
    topic        text NOT NULL,
    triggered_at timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    body         bytea,         -- emptied some days after it was worked off
    done_at      timestamptz,
    error        text,
    PRIMARY KEY (shop_id, webhook_id)
);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (shop_id, received_at);
CALL protect_tenant('webhook_deliveries');

CREATE TABLE privacy_requests (
    shop_id      uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    id           uuid NOT NULL,
    topic        text NOT NULL,
    received_at  timestamptz NOT NULL,
    completed_at timestamptz,
    outcome      jsonb,
    PRIMARY KEY (shop_id, id)
);
CALL protect_tenant('privacy_requests');
