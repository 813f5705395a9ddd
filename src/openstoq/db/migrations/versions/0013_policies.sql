-- The inventory policy that the shop was last asked to set, so that another one is found out.
ALTER TABLE preorder_variants ADD COLUMN policy_asked text;
ALTER TABLE preorder_variants ADD CONSTRAINT preorder_variants_policy_asked_check
    CHECK (policy_asked IN ('continue', 'deny'));
