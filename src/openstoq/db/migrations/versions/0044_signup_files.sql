-- The rows of a file of signups, from when it is read until it is imported. They are deleted then, and
-- by a job where an import ended in the middle. A crash may forget them, so the table is not logged.
CREATE UNLOGGED TABLE signup_import_rows (
    shop_id           uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    import_id         uuid NOT NULL,
    staged_at         timestamptz NOT NULL,
    line              bigint NOT NULL,
    signup_id         uuid NOT NULL,
    customer_id       uuid NOT NULL,
    channel           text NOT NULL,
    contact           text NOT NULL,
    mailbox           text NOT NULL,
    variant_id        bigint NOT NULL,
    product_id        bigint NOT NULL,
    market_id         bigint NOT NULL, -- 0: none
    quantity          integer NOT NULL,
    email             text,
    phone             text,
    name              text,
    locale            text,
    country           text,
    optin_confirmed   boolean, -- NULL: the file does not say
    accepts_marketing boolean,
    signed_up_at      timestamptz,
    PRIMARY KEY (shop_id, import_id, line),
    UNIQUE (shop_id, import_id, contact, channel, variant_id, market_id)
);
CALL protect_tenant('signup_import_rows');
