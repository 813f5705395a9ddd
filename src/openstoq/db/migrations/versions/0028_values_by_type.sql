-- Values that wait for their type: a plan of API v1 keeps its 15 % while it has a price instead.
ALTER TABLE offers ADD COLUMN values_by_type jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN offers.values_by_type IS 'the last value of each type of deposit, discount and source';
