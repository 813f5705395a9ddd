-- What a form can set off is counted by mailbox: a name with +something, or with other dots at Gmail,
-- is no other recipient.
ALTER TABLE signups
    ADD COLUMN mailbox    text, -- NULL: the contact
    ADD COLUMN optin_held boolean NOT NULL DEFAULT false; -- one more than a mailbox may have unasked

UPDATE signups SET mailbox = m.mailbox
FROM (
    SELECT shop_id, id, CASE WHEN domain IN ('gmail.com', 'googlemail.com')
                             THEN replace(name, '.', '') || '@gmail.com'
                             ELSE name || '@' || domain END AS mailbox
    FROM (SELECT shop_id, id, split_part(contact, '@', 2) AS domain,
                 regexp_replace(split_part(contact, '@', 1), '(.)\+.*$', '\1') AS name
          FROM signups
          WHERE channel = 'email' AND contact ~ '\+|\..*@g(oogle)?mail\.com$|@googlemail\.com$') s
) m
WHERE signups.shop_id = m.shop_id AND signups.id = m.id AND signups.contact <> m.mailbox;

DROP INDEX signups_of_contact;
CREATE INDEX signups_of_mailbox ON signups (shop_id, coalesce(mailbox, contact));

-- Whether a caller with a key ever said something of a customer. Of those of before nobody knows.
ALTER TABLE customers ADD COLUMN vouched boolean NOT NULL DEFAULT true;
ALTER TABLE customers ALTER COLUMN vouched SET DEFAULT false;
