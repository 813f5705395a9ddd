-- A day of a schedule stays that day if the shop moves to another time zone, so it is kept beside the
-- moment that it is there. A deposit is not sold any more once the due day of its balance has passed.
ALTER TABLE offers
    ADD COLUMN schedule_start_local text,
    ADD COLUMN schedule_end_local   text,
    ADD COLUMN deposit_ends_at      timestamptz;
COMMENT ON COLUMN offers.schedule_start IS 'the first moment of the schedule';
COMMENT ON COLUMN offers.schedule_start_local IS
    'the start as a day, or a time without an offset, in the shop''s time zone; NULL if it is a moment';
COMMENT ON COLUMN offers.schedule_end IS 'the first moment after the schedule';
COMMENT ON COLUMN offers.schedule_end_local IS
    'the end as a day, or a time without an offset, in the shop''s time zone; NULL if it is a moment';
COMMENT ON COLUMN offers.deposit_ends_at IS
    'the first moment after the due day of the balance, if the offer sells a deposit that has one';
