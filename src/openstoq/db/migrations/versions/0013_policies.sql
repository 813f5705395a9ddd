-- The inventory policy that the shop was last asked to set, so that another one is found out.
ALTER TABLE preorder_variants
    ADD COLUMN policy_asked text CHECK (policy_asked IN ('continue', 'deny'));
