"""What a shopper sees and presses: the checkout, the order's page, paying the rest."""

import re

from sandbox.buying import again, buy, charge, deposit_order, plan, variant_with


async def check_out(site, variant, **filled_in):
    form = {
        "variant_id": variant.id,
        "email": "ana@example.com",
        "name": "Ana Silva",
        "country": "US",
        "card": "works",
        "quantity": 1,
        **filled_in,
    }
    return await site.http.post(f"{site.shop().url}/checkout", data=form)


async def test_a_shopper_preorders_and_pays_the_rest(site):
    variant = variant_with(site)
    plan_id = await plan(site, variant)
    page = await site.http.get(f"{site.shop().product_url(variant.product)}?variant={variant.id}")
    assert f'name="plan_id" value="{plan_id}"' in page.text
    answer = await check_out(site, variant, plan_id=plan_id, quantity=2)
    assert answer.status_code == 303
    (order,) = site.shop().orders.values()
    assert order.lines[0].selling_plan_id == plan_id
    thanks = await site.http.get(answer.headers["Location"])
    assert f"Thank you for order {order.name}" in thanks.text
    assert '<td id="outstanding">$879.92</td>' in thanks.text
    assert "due 1 January 2100" in thanks.text
    collection = re.search(r'href="([^"]+)" id="pay-link"', thanks.text)[1]
    assert 'id="pay"' in (await site.http.get(collection)).text
    for _ in range(2):
        assert (await site.http.post(collection)).status_code == 303
    paid = await site.http.get(answer.headers["Location"])
    assert 'id="outstanding"' not in paid.text
    assert order.financial_status == "PAID"
    assert [f"{each.amount}" for each in order.transactions] == ["219.98", "879.92"]


async def test_without_a_plan_all_is_paid_now(site):
    variant = variant_with(site)
    await check_out(site, variant, plan_id="")
    (order,) = site.shop().orders.values()
    assert (order.lines[0].selling_plan_id, order.financial_status) == (None, "PAID")


async def test_a_waiting_payment_is_confirmed_on_the_orders_page(site):
    order = await deposit_order(site, card="needs_authentication")
    assert 'id="confirm"' not in (await site.http.get(order["status_url"])).text
    await charge(site, order)
    await site.idle()
    assert 'id="confirm"' in (await site.http.get(order["status_url"])).text
    await site.http.post(f"{order['status_url']}/authenticate")
    assert (await again(site, order))["financial_status"] == "PAID"


async def test_what_cannot_be_bought_says_why(site):
    variant = variant_with(site)
    for wrong in ({"quantity": 1000}, {"quantity": "x"}, {"variant_id": 7}, {"card": "gold"}):
        answer = await check_out(site, variant, **wrong)
        assert answer.status_code == 422
        assert 'id="problem"' in answer.text
    assert site.shop().orders == {}


async def test_an_order_is_shown_to_who_has_its_address_only(site):
    order = await buy(site, (variant_with(site), {}))
    assert (await site.http.get(order["status_url"])).status_code == 200
    assert (await site.http.get(f"{site.shop().url}/orders/{order['id']}")).status_code == 404
