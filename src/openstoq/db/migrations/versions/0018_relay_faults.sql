-- A message that failed is not always its recipient's fault: only then is the signup blocked.
ALTER TABLE signups
    ADD COLUMN failed_wave_at timestamptz; -- when the wave began whose message to it failed
ALTER TABLE notifications
    -- the relay turned it away while it served others
    ADD COLUMN singled_out boolean NOT NULL DEFAULT false;
ALTER TABLE waves
    ADD COLUMN refusals integer NOT NULL DEFAULT 0, -- how many runs in a row the relay stopped
    ADD COLUMN error text;                          -- why it stopped the last one

-- Signups that were blocked up to now wait, once they are unblocked, for the next restock.
UPDATE signups s SET failed_wave_at = (
    SELECT max(w.started_at) FROM waves w
    WHERE w.shop_id = s.shop_id AND w.variant_id = s.variant_id AND w.kind = 'restock')
WHERE s.blocked_at IS NOT NULL;
