-- The API's word for the units of a line that count against limits. Before a first release: a process
-- that runs the code before this one cannot read the lines any more.
ALTER TABLE preorder_lines RENAME COLUMN quantity TO counted;
COMMENT ON COLUMN preorder_lines.counted IS 'units that count against limits';
