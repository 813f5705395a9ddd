-- Every selling plan that an offer ever was in Shopify: orders name their plan by its id, also
-- after the plan is gone.
CREATE TABLE offer_plans (
    shop_id  uuid NOT NULL,
    plan_id  bigint NOT NULL, -- Shopify's
    offer_id uuid NOT NULL,
    option   text NOT NULL CHECK (option IN ('full', 'partial')), -- that it is, for good
    PRIMARY KEY (shop_id, plan_id),
    FOREIGN KEY (shop_id, offer_id) REFERENCES offers (shop_id, id) ON DELETE CASCADE
);
CALL protect_tenant('offer_plans');

INSERT INTO offer_plans (shop_id, plan_id, offer_id, option)
SELECT o.shop_id, plan.id, o.id, plan.option
FROM offers o
CROSS JOIN LATERAL (VALUES (o.full_plan_id, 'full'), (o.partial_plan_id, 'partial'))
    AS plan (id, option)
WHERE plan.id IS NOT NULL;
