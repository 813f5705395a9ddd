"""Orders with lines of several selling plans, some of them another app's."""

import json

import pytest

from sandbox.buying import again, buy, charge, gid, plan, product

READ = """query ($id: ID!) { order(id: $id) {
  lineItems(first: 9) { nodes { sellingPlan { sellingPlanId name } } }
  paymentTerms { due overdue paymentTermsType paymentSchedules(first: 9) { nodes {
    id dueAt due completedAt balanceDue { amount } totalBalance { amount } } } } } }"""
SOON, LATE = "2090-01-01T00:00:00Z", "2100-01-01T00:00:00Z"


async def another_apps_plan(site, *variants, status=200, **facts):
    body = {
        "variant_ids": [each.id for each in variants],
        "plans": [{"name": "Half now", "percentage": 50, **facts}],
    }
    made = await site.control("POST", "selling_plan_groups", body, status=status)
    return made["plans"][0]["id"] if status == 200 else made


async def two_plans(site, *, ours=LATE, theirs=SOON, **facts):
    """Place an order of 100 with our deposit of 20 %, and 60 with another app's of half."""
    first, second = await product(site, "100"), await product(site, "60")
    own = await plan(site, first, at=ours)
    other = await another_apps_plan(site, second, **({"due_at": theirs} if theirs else {}))
    return await buy(site, (first, {"plan_id": own}), (second, {"plan_id": other}), **facts)


async def read(site, order):
    answer = await site.graphql(READ, {"id": gid("Order", order["id"])})
    return answer["data"]["order"]


def balances(order):
    return [each["balance"] for each in order["schedules"]]


async def test_another_apps_plan_is_on_the_line_as_ours_is(site):
    order = await two_plans(site)
    plans = [each["sellingPlan"] for each in (await read(site, order))["lineItems"]["nodes"]]
    assert plans[1] == {
        "sellingPlanId": gid("SellingPlan", order["lines"][1]["plan_id"]),
        "name": "Half now",
    }
    groups = (await site.control("GET", "selling_plan_groups"))["selling_plan_groups"]
    assert [each["app_id"] for each in groups] == [None, "another-app"]


async def test_deposits_add_up_and_the_earliest_date_is_that_of_all(site):
    order = await two_plans(site)
    assert (order["received"], order["outstanding"]) == ("50.00", "110.00")
    (schedule,) = order["schedules"]
    assert (schedule["balance"], schedule["due_at"]) == ("110.00", "2090-01-01T00:00:00.000Z")
    assert schedule["line_ids"] == [each["id"] for each in order["lines"]]


async def test_on_fulfillment_comes_before_all_dates(site):
    order = await two_plans(site, theirs=None)
    assert [each["due_at"] for each in order["schedules"]] == [None]
    assert (await read(site, order))["paymentTerms"]["paymentTermsType"] == "FULFILLMENT"


async def test_there_may_be_a_schedule_for_each_plan(site, receiver):
    order = await two_plans(site, schedules="per_plan")
    assert balances(order) == ["80.00", "30.00"]
    assert [each["line_ids"] for each in order["schedules"]] == [
        [each["id"]] for each in order["lines"]
    ]
    await site.subscribe(receiver.uri, "PAYMENT_SCHEDULES_DUE")
    body = {"schedule_id": order["schedules"][1]["id"]}
    await site.control("POST", f"orders/{order['id']}/due", body)
    await receiver.wait_for(1)
    assert json.loads(receiver.taken[0][1])["id"] == order["schedules"][1]["id"]
    found = (await read(site, order))["paymentTerms"]
    assert (found["due"], found["overdue"]) == (True, True)
    assert [each["due"] for each in found["paymentSchedules"]["nodes"]] == [False, True]


async def test_a_charge_pays_its_own_schedule(site):
    order = await two_plans(site, schedules="per_plan")
    assert (await charge(site, order))["userErrors"] == []
    await site.idle()
    after = await again(site, order)
    assert (balances(after), after["outstanding"]) == (["0.00", "30.00"], "30.00")
    assert [each["completed_at"] is not None for each in after["schedules"]] == [True, False]
    again_asked = await charge(site, order, "once more")
    assert again_asked["userErrors"][0]["field"] == ["paymentScheduleId"]
    paid = await site.control("POST", f"orders/{order['id']}/pay")
    assert (balances(paid), paid["financial_status"]) == (["0.00", "0.00"], "PAID")


async def test_an_edit_changes_the_schedule_of_its_line(site):
    order = await two_plans(site, schedules="per_plan")
    first, second = order["lines"]
    edit = f"orders/{order['id']}/edit"
    after = await site.control("POST", edit, {"lines": [{"id": first["id"], "quantity": 2}]})
    assert balances(after) == ["180.00", "30.00"]
    after = await site.control("POST", edit, {"lines": [{"id": second["id"], "quantity": 2}]})
    assert balances(after) == ["180.00", "90.00"]
    after = await site.control("POST", edit, {"lines": [{"id": second["id"], "quantity": 1}]})
    assert balances(after) == ["180.00", "30.00"]
    # What belongs to no plan is added to the schedule that is due first.
    custom = [{"title": "Engraving", "price": "5"}]
    after = await site.control("POST", edit, {"custom": custom})
    assert balances(after) == ["180.00", "35.00"]


async def test_a_refund_lowers_the_schedule_of_its_line(site):
    order = await two_plans(site, schedules="per_plan")
    lines = [{"id": order["lines"][0]["id"]}]
    body = {"lines": lines, "amount": "20"}
    after = await site.control("POST", f"orders/{order['id']}/refund", body)
    assert (balances(after), after["outstanding"]) == (["0.00", "30.00"], "30.00")


async def test_only_what_is_sent_makes_its_schedule_due(site):
    first, second = await product(site, "100"), await product(site, "60")
    own = await plan(site, first, trigger="ON_FULFILLMENT")
    other = await another_apps_plan(site, second)
    lines = ((first, {"plan_id": own}), (second, {"plan_id": other}))
    order = await buy(site, *lines, schedules="per_plan")
    sent = [{"line_item_id": order["lines"][1]["id"]}]
    await site.control("POST", f"orders/{order['id']}/fulfill", {"lines": sent})
    due = [each["due_at"] is not None for each in (await again(site, order))["schedules"]]
    assert due == [False, True]


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"amount": "5"}, "either a percentage or an amount"),
        ({"percentage": None}, "either a percentage or an amount"),
        ({"due_at": "2030-01-01"}, "must be a time with its offset"),
        ({"due_after": "soon"}, "must be a duration"),
        ({"due_at": SOON, "due_after": "P7D"}, "not both"),
        ({"percentage": 100, "due_at": SOON}, "exact time"),
        ({"percentage": 0}, "Percentage"),
    ],
)
async def test_a_plan_that_makes_no_sense_is_refused(site, facts, problem):
    variant = await product(site, "10")
    answer = await another_apps_plan(site, variant, status=422, **facts)
    assert problem in answer["errors"][0]
    assert site.shop().plan_groups == {}


async def test_a_plan_of_no_variant_is_refused(site):
    body = {"variant_ids": [1], "plans": [{"name": "Half", "percentage": 50}]}
    await site.control("POST", "selling_plan_groups", body, status=422)


async def test_another_apps_plan_may_wait_after_the_checkout_for_an_amount(site):
    variant = await product(site, "10")
    facts = {"percentage": None, "amount": "4", "due_after": "P7D", "delivery_at": LATE}
    plan_id = await another_apps_plan(site, variant, **facts)
    order = await buy(site, (variant, {"plan_id": plan_id}))
    assert (order["received"], balances(order)) == ("4.00", ["6.00"])
    assert site.shop().orders[order["id"]].fulfillment_orders[0].status == "SCHEDULED"
