-- The texts of the billing widget are those of the first payment option, and so are their
-- translations: each is stored under both paths.
CREATE TEMPORARY TABLE shared_paths ON COMMIT DROP AS
SELECT o.shop_id, o.id AS offer_id, 'widget.billing_widget.' || t.widget AS widget,
    'payments.options.' || CASE WHEN jsonb_typeof(o.payments->'options'->'full') = 'object'
        OR o.payments->'options'->'full' IS NULL THEN 'full' ELSE 'partial' END
    || '.billing_' || t.widget AS option
FROM offers o CROSS JOIN (VALUES ('title'), ('description')) AS t (widget);

INSERT INTO offer_translations (shop_id, offer_id, locale, path, value)
SELECT t.shop_id, t.offer_id, t.locale, p.option, t.value
FROM offer_translations t JOIN shared_paths p
    ON p.shop_id = t.shop_id AND p.offer_id = t.offer_id AND p.widget = t.path
ON CONFLICT DO NOTHING;

INSERT INTO offer_translations (shop_id, offer_id, locale, path, value)
SELECT t.shop_id, t.offer_id, t.locale, p.widget, t.value
FROM offer_translations t JOIN shared_paths p
    ON p.shop_id = t.shop_id AND p.offer_id = t.offer_id AND p.option = t.path
ON CONFLICT (shop_id, offer_id, locale, path) DO UPDATE SET value = excluded.value;
