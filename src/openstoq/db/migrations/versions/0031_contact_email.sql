-- The address that a shop gives to its shoppers, for their replies to our mails. The next reading of
-- the shop fills it in.
ALTER TABLE shops ADD COLUMN contact_email text;
