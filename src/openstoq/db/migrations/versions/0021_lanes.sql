-- A worker takes jobs lane by lane and shop by shop, so that no shop's jobs keep another's waiting.

-- Processes of the release before name neither. A worker gives their jobs both when it begins.
ALTER TABLE queue.pgqueuer
    ADD COLUMN lane text NOT NULL DEFAULT 'work',
    ADD COLUMN shop_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';

CREATE INDEX pgqueuer_turns ON queue.pgqueuer (lane, shop_id, execute_after, id)
    WHERE status = 'queued';
