-- Further signups of the contact, for the same variant, for which a message by hand was asked at the
-- same time: this one message stands for them.
ALTER TABLE notifications ADD COLUMN stands_for uuid[] NOT NULL DEFAULT '{}';
