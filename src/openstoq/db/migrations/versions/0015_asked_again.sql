-- Somebody asked for the storefront to be written while a run was at it: another has to follow.
ALTER TABLE preorder_shops ADD COLUMN asked_again boolean NOT NULL DEFAULT false;
