-- Preorder offers, the variants that they sell, and what the shop was last told of both.

CREATE TABLE offers (
    shop_id              uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    id                   uuid NOT NULL,
    name                 text NOT NULL,
    internal_name        text,
    enabled              boolean NOT NULL DEFAULT false,
    enabled_at           timestamptz, -- when it was last enabled
    discarded_at         timestamptz,
    schedule_start       timestamptz,
    schedule_end         timestamptz,
    source               text NOT NULL CHECK (source IN ('custom', 'all', 'collection')),
    collection_id        bigint,
    auto_refresh         boolean NOT NULL DEFAULT false, -- follow the collection
    exclusion_tag        text,
    excluded_variant_ids bigint[] NOT NULL DEFAULT '{}',
    widget               jsonb NOT NULL,
    inventory            jsonb NOT NULL,
    shipping             jsonb NOT NULL,
    payments             jsonb NOT NULL,
    limits               jsonb NOT NULL,
    checkout             jsonb NOT NULL,
    countdown            jsonb NOT NULL,
    integrations         jsonb NOT NULL,
    markets              jsonb NOT NULL,
    advanced             jsonb NOT NULL,
    plan_group_id        bigint,      -- Shopify's selling plan group
    full_plan_id         bigint,
    partial_plan_id      bigint,
    plan_group_digest    bytea,       -- of what the group was last made to be
    revision             bigint NOT NULL DEFAULT 1, -- grows with each change of what should be
    synced_revision      bigint NOT NULL DEFAULT 0, -- the revision that the shop agrees with
    sync_error           text,
    sync_lease_until     timestamptz, -- one run at a time works on an offer
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    PRIMARY KEY (shop_id, id)
);
CREATE INDEX offers_by_age ON offers (shop_id, created_at, id);
CALL protect_tenant('offers');

CREATE TABLE offer_translations (
    shop_id  uuid NOT NULL,
    offer_id uuid NOT NULL,
    locale   text NOT NULL,
    path     text NOT NULL,
    value    text NOT NULL,
    PRIMARY KEY (shop_id, offer_id, locale, path),
    FOREIGN KEY (shop_id, offer_id) REFERENCES offers (shop_id, id) ON DELETE CASCADE
);
CALL protect_tenant('offer_translations');

CREATE TABLE offer_variants (
    shop_id          uuid NOT NULL,
    offer_id         uuid NOT NULL,
    variant_id       bigint NOT NULL, -- Shopify's
    product_id       bigint NOT NULL,
    shipping_text    text,            -- NULL: the offer's
    max_count        integer CHECK (max_count >= 0), -- NULL: no limit of its own
    market_overrides jsonb NOT NULL DEFAULT '{}',
    attached_at      timestamptz NOT NULL,
    detached_at      timestamptz,     -- the row goes once the shop agrees
    in_group         boolean NOT NULL DEFAULT false, -- whether the shop has it in the group
    sync_error       text,
    PRIMARY KEY (shop_id, offer_id, variant_id),
    FOREIGN KEY (shop_id, offer_id) REFERENCES offers (shop_id, id) ON DELETE CASCADE
);
CREATE INDEX offer_variants_of_variant ON offer_variants (shop_id, variant_id);
CALL protect_tenant('offer_variants');

-- What is known of a variant across its offers.
CREATE TABLE preorder_variants (
    shop_id          uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    variant_id       bigint NOT NULL,
    preorder_count   integer NOT NULL DEFAULT 0 CHECK (preorder_count >= 0),
    market_counts    jsonb NOT NULL DEFAULT '{}', -- by market id
    revision         bigint NOT NULL DEFAULT 1,
    synced_revision  bigint NOT NULL DEFAULT 0,
    is_reset         boolean NOT NULL DEFAULT false, -- its metafields stay cleared until a change
    written          jsonb NOT NULL DEFAULT '{}',    -- the metafields as we last wrote them
    drift            jsonb NOT NULL DEFAULT '{}',    -- those the shop was found to have otherwise
    policy_wanted    text CHECK (policy_wanted IN ('continue', 'deny')),
    sync_error       text,
    synced_at        timestamptz,
    PRIMARY KEY (shop_id, variant_id)
);
CREATE INDEX preorder_variants_behind ON preorder_variants (shop_id, variant_id)
    WHERE revision > synced_revision OR policy_wanted IS NOT NULL;
CALL protect_tenant('preorder_variants');

-- What was last written on the shop itself.
CREATE TABLE preorder_shops (
    shop_id          uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    written          jsonb NOT NULL DEFAULT '{}',
    sync_lease_until timestamptz, -- one run at a time writes metafields
    PRIMARY KEY (shop_id)
);
CALL protect_tenant('preorder_shops');

-- The preordered lines of orders, from which counts are made. Order ids are Shopify's.
CREATE TABLE preorder_lines (
    shop_id      uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    line_id      bigint NOT NULL,
    order_id     bigint NOT NULL,
    offer_id     uuid NOT NULL,
    variant_id   bigint NOT NULL,
    market_id    bigint,
    quantity     integer NOT NULL CHECK (quantity >= 0), -- what is still preordered of the line
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (shop_id, line_id),
    FOREIGN KEY (shop_id, offer_id) REFERENCES offers (shop_id, id)
);
CREATE INDEX preorder_lines_of_variant ON preorder_lines (shop_id, variant_id);
CREATE INDEX preorder_lines_of_offer ON preorder_lines (shop_id, offer_id, variant_id);
CALL protect_tenant('preorder_lines');

-- Jobs that callers start and ask after.
CREATE TABLE bulk_jobs (
    shop_id     uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    id          text NOT NULL, -- bulk_<action>_ and 16 hex digits
    status      text NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
    arguments   jsonb NOT NULL,
    total       integer NOT NULL,
    processed   integer NOT NULL DEFAULT 0,
    failed      jsonb NOT NULL DEFAULT '[]',
    error       text,
    created_at  timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (shop_id, id)
);
CREATE INDEX bulk_jobs_by_age ON bulk_jobs (shop_id, created_at);
CALL protect_tenant('bulk_jobs');

-- An offer may leave out products with a tag.
ALTER TABLE products ADD COLUMN tags text[] NOT NULL DEFAULT '{}';
