-- A shop's own templates of messages, and its brand.

CREATE TABLE message_templates (
    shop_id        uuid NOT NULL REFERENCES shops ON DELETE CASCADE,
    channel        text NOT NULL,
    purpose        text NOT NULL, -- alert or optin
    locale         text NOT NULL, -- '': for every language without one of its own
    part           text NOT NULL, -- of the message: subject, text, html
    source         text NOT NULL, -- Liquid
    updated_at     timestamptz NOT NULL,
    failed_at      timestamptz,   -- when it could last not be rendered since it was stored
    failure        text,          -- the kind of error
    failed_wave_id uuid,          -- the wave whose log has the failure already
    PRIMARY KEY (shop_id, channel, purpose, locale, part)
);
CALL protect_tenant('message_templates');

-- JSON as text: a row of shops is also returned whole by functions, and asyncpg decodes no jsonb in it.
ALTER TABLE shops ADD COLUMN brand text NOT NULL DEFAULT '{}';
