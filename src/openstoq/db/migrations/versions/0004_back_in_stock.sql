-- Who waits for which variant, the waves that restocks start, and every message sent.

CREATE TABLE back_in_stock_settings (
    shop_id    uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    channels   jsonb NOT NULL,
    delivery   jsonb NOT NULL,
    compliance jsonb NOT NULL,
    tagging    jsonb NOT NULL,
    alerts     jsonb NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (shop_id)
);
CALL protect_tenant('back_in_stock_settings');

CREATE TABLE customers (
    shop_id           uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    id                uuid NOT NULL,
    identity          text NOT NULL, -- channel:contact, what a sign-up recognises a customer by
    email             text,
    phone             text,
    push_token        text,
    name              text,
    locale            text,
    country           text,
    accepts_marketing boolean,
    shopify_id        bigint,
    market_id         bigint,
    unsubscribed_at   timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, identity)
);
CREATE INDEX customers_by_shopify_id ON customers (shop_id, shopify_id);
CALL protect_tenant('customers');

CREATE TABLE signups (
    shop_id            uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    id                 uuid NOT NULL,
    customer_id        uuid NOT NULL,
    channel            text NOT NULL CHECK (channel IN ('email', 'sms', 'push')),
    contact            text NOT NULL, -- e-mail in lower case, phone in E.164, or push token
    variant_id         bigint NOT NULL,
    product_id         bigint NOT NULL,
    market_id          bigint,
    quantity           integer NOT NULL CHECK (quantity > 0),
    source             text NOT NULL,
    locale             text,
    optin_required     boolean NOT NULL DEFAULT false,
    optin_confirmed_at timestamptz,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    wave_id            uuid,          -- the wave whose message to it is under way
    notified_at        timestamptz,
    last_notified_at   timestamptz,
    notifications_sent integer NOT NULL DEFAULT 0,
    unsubscribed_at    timestamptz,
    blocked_at         timestamptz,
    blocked_reason     text,
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, customer_id) REFERENCES customers (shop_id, id) ON DELETE CASCADE
);
-- One pending signup for each contact, channel, variant and market.
CREATE UNIQUE INDEX signups_pending_once
    ON signups (shop_id, variant_id, contact, channel, coalesce(market_id, 0))
    WHERE notified_at IS NULL AND unsubscribed_at IS NULL AND blocked_at IS NULL;
-- The waitlist of a variant, oldest first: what a wave walks along.
CREATE INDEX signups_waiting ON signups (shop_id, variant_id, created_at, id)
    WHERE notified_at IS NULL AND unsubscribed_at IS NULL AND blocked_at IS NULL;
CREATE INDEX signups_by_age ON signups (shop_id, created_at, id);
CREATE INDEX signups_of_customer ON signups (shop_id, customer_id);
CREATE INDEX signups_of_contact ON signups (shop_id, contact);
CALL protect_tenant('signups');

-- The decision to tell waiting shoppers: by a restock, or by hand.
CREATE TABLE waves (
    shop_id     uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    id          uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('restock', 'manual')),
    variant_id  bigint,  -- of a restock
    quantity    integer, -- what was in stock when it started
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    ended_by    text CHECK (ended_by IN ('all_told', 'sold_out', 'uninstalled')),
    PRIMARY KEY (shop_id, id)
);
CREATE UNIQUE INDEX waves_one_at_a_time ON waves (shop_id, variant_id)
    WHERE kind = 'restock' AND finished_at IS NULL;
CREATE INDEX waves_of_variant ON waves (shop_id, variant_id, started_at);
CALL protect_tenant('waves');

CREATE TABLE notifications (
    shop_id         uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    id              uuid NOT NULL,
    wave_id         uuid NOT NULL,
    signup_id       uuid NOT NULL,
    channel         text NOT NULL,
    contact         text NOT NULL,
    variant_id      bigint NOT NULL,
    product_id      bigint NOT NULL,
    status          text NOT NULL
        CHECK (status IN ('queued', 'sending', 'sent', 'failed', 'unknown', 'blocked')),
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    sender          uuid,        -- the run that holds it while status is sending
    lease_until     timestamptz,
    sent_at         timestamptz,
    error           text,
    blocked_reason  text,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (shop_id, id),
    -- One message per signup per restock, whoever runs and however often.
    UNIQUE (shop_id, wave_id, signup_id),
    FOREIGN KEY (shop_id, wave_id) REFERENCES waves (shop_id, id),
    FOREIGN KEY (shop_id, signup_id) REFERENCES signups (shop_id, id) ON DELETE CASCADE
);
CREATE INDEX notifications_under_way ON notifications (shop_id, wave_id, next_attempt_at)
    WHERE status IN ('queued', 'sending');
CREATE INDEX notifications_by_age ON notifications (shop_id, created_at, id);
CREATE INDEX notifications_of_signup ON notifications (shop_id, signup_id);
CALL protect_tenant('notifications');
