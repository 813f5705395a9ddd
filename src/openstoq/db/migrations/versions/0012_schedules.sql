-- Up to when an offer's window was followed: a start or an end after it is news for its variants.
ALTER TABLE offers ADD COLUMN schedule_followed_to timestamptz;
