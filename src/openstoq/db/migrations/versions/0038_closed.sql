-- A restock's wave that ended because nobody could open the product was recorded as sold out.
ALTER TABLE waves DROP CONSTRAINT waves_ended_by_check;
ALTER TABLE waves ADD CONSTRAINT waves_ended_by_check
    CHECK (ended_by IN ('all_told', 'sold_out', 'closed', 'uninstalled', 'switched_off'));
