-- What a form can set off is counted by mailbox: a name with +something, or with other dots at Gmail,
-- is no other recipient.
ALTER TABLE signups
    ADD COLUMN mailbox    text, -- NULL: made by a process of the release before, and not counted
    ADD COLUMN optin_held boolean NOT NULL DEFAULT false; -- one more than a mailbox may have unasked

UPDATE signups SET mailbox = CASE
    WHEN channel <> 'email' THEN contact
    WHEN contact ~ '@g(oogle)?mail\.com$' THEN
        replace(regexp_replace(split_part(contact, '@', 1), '(.)\+.*$', '\1'), '.', '') || '@gmail.com'
    ELSE regexp_replace(contact, '(.)\+.*@', '\1@') END;

-- Both are partial, so that no other query takes them for a way to a shop's signups.
CREATE INDEX signups_unasked ON signups (shop_id, mailbox)
    WHERE NOT optin_required AND optin_confirmed_at IS NULL
      AND unsubscribed_at IS NULL AND blocked_at IS NULL;
CREATE INDEX signups_asked ON signups (shop_id, mailbox, optin_asked_at)
    WHERE optin_asked_at IS NOT NULL;

-- Whether a caller with a key ever said something of a customer. Of those of before nobody knows.
ALTER TABLE customers ADD COLUMN vouched boolean NOT NULL DEFAULT true;
ALTER TABLE customers ALTER COLUMN vouched SET DEFAULT false;
