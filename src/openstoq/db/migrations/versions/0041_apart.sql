-- A worker runs one job at a time of those with the same value here, so that the jobs of one wave
-- are taken by different workers.

ALTER TABLE queue.pgqueuer ADD COLUMN apart text;
