-- What was asked of the shop is not known to be there until it has answered.
ALTER TABLE offer_variants ALTER COLUMN in_group DROP NOT NULL; -- NULL: asked, not answered yet
COMMENT ON COLUMN preorder_variants.written IS
    'the metafields as we last wrote them; an empty text: asked, not answered yet';
