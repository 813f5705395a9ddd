-- Where the walk along a shop's variants, in search of drift, goes on.
ALTER TABLE preorder_shops ADD COLUMN looked_up_to bigint NOT NULL DEFAULT 0;
