-- Where the shop stands, ISO 3166 alpha-2: what a phone number without a country code is of.
ALTER TABLE shops ADD COLUMN country text;
