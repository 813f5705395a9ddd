-- A worker takes jobs lane by lane and shop by shop, so that no shop's jobs keep another's waiting.

-- The defaults are for processes of the release before, which name neither: during an upgrade their
-- jobs count as one shop's.
ALTER TABLE queue.pgqueuer
    ADD COLUMN lane text NOT NULL DEFAULT 'work',
    ADD COLUMN shop_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';

UPDATE queue.pgqueuer SET shop_id = (convert_from(payload, 'UTF8')::jsonb->>'shop_id')::uuid
WHERE payload IS NOT NULL;

CREATE INDEX pgqueuer_turns ON queue.pgqueuer (lane, shop_id, execute_after, id)
    WHERE status = 'queued';
