"""API v1 against its reference: each operation, its answer, and its answer to each wrong body."""

import pytest

from openstoq.kernel.ids import new_id
from openstoq.web.v1 import routes
from openstoq.web.v1.plan_fields import SellingPlanInput
from tests.factories.apps import client_of, make_app
from tests.factories.catalogs import PRODUCT, product, save, variant
from tests.factories.orders import make_order
from tests.factories.v1 import META, MODELS, MORE, differences, shape
from tests.facts.load import v1_operations

OPERATIONS = {(one["method"], one["path"]): one for one in v1_operations()}
VARIANTS = [11, 21, 31]
ORDER = 5012345678901
PLAN = "/preorders/{id}"
MOMENT = "2099-03-15T09:30:00Z"
NOT_NUMBERS = (None, "x", True, 1.5, [], {}, -1)
MAIL = {"subject": "Shipped", "header": "News", "description": "On its way"}


@pytest.fixture
def app(runtime):
    return make_app(runtime, routes=routes.routes(runtime))


@pytest.fixture
async def api(app, key, database, shop):
    # The second variant and its product have no more than they must.
    bare = {"sku": None, "product_id": PRODUCT + 1, "title": "Default Title"}
    products = (
        product(variant(11), variant(21)),
        product(variant(31, **bare), id=PRODUCT + 1, vendor=None, handle="bare"),
    )
    await save(database, shop, *products)
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET rate_points = 1000000")
        await make_order(db, shop.id, ORDER)
    async with client_of(app, key, base="/api/v1") as opened:
        yield opened


def intent(number=11, channel="email", **customer):
    contact = {"email": "a@example.com", "sms": None, "push": None}[channel]
    where = {"shopify_variant_id": number, "shopify_product_id": PRODUCT + (number == 31)}
    return {
        "intent": where | {"channel": channel, "quantity": 1, "source": "api"},
        "customer": {"email": contact} | customer,
    }


async def signed_up(api, *form, **customer):
    answer = await api.post("/intents.json", json=intent(*form, **customer))
    assert answer.status_code == 201, answer.text
    return answer.json()["intents"][0]


async def planned(api, **fields):
    answer = await api.post("/preorders", json={"selling_plan": fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def selling(api, *variant_ids, **fields):
    plan = await planned(api, **fields)
    at = f"/preorders/{plan['id']}"
    await api.post(f"{at}/add_variant", json={"shopify_variant_ids": variant_ids or VARIANTS})
    return at


def check(value, model, more=frozenset()):
    assert list(differences(value, MODELS[model], more=more)) == []


def check_like(answer, method, path):
    """Compare an answer with the example that the reference has for it."""
    documented = OPERATIONS[method, path]
    assert answer.status_code in documented["statuses"], answer.text
    assert list(differences(answer.json(), shape(documented["answer"]))) == []


def test_each_operation_of_the_reference_is_served():
    served = {(one.method, one.path) for one in (*routes.OPERATIONS, routes.CREATE)}
    assert served == set(OPERATIONS)
    assert len(served) == 19


def test_a_plan_takes_the_documented_fields():
    assert set(SellingPlanInput.model_fields) == set(MODELS["SellingPlanInput"])


@pytest.mark.parametrize(
    "form",
    [
        {"number": 11, "email": "a@example.com", "name": "Ana", "accepts_marketing": True},
        {"number": 31},
        {"number": 11, "channel": "sms", "phone": "14155552671"},
        {"number": 11, "channel": "push", "push": "token"},
    ],
)
async def test_intents_are_as_documented(app, api, shop, form):
    async with client_of(app, base="/api/v1") as anybody:
        headers = {"X-Shopify-Shop-Domain": shop.domain}
        theirs = await anybody.post("/intents", json=intent(**form), headers=headers)
        answers = [theirs.json()["intents"][0]]
    assert theirs.status_code == 201
    deleted = await api.request(
        "DELETE", "/intents/bulk_destroy", json={"intent_ids": [answers[0]["id"]]}
    )
    check_like(deleted, "DELETE", "/intents/bulk_destroy")
    answers.append(await signed_up(api, **form))
    answers.append((await api.get(f"/intents/{answers[1]['id']}")).json())
    listed = (await api.get("/intents")).json()
    answers += listed["intents"]
    assert list(differences(listed["meta"], META)) == []
    for answer in answers:
        check(answer, "Intent")


async def test_the_demand_is_as_documented(api):
    for number in (11, 31, 99):
        await signed_up(api, number)
    report = (await api.get("/intents/products_in_demand")).json()
    rest = {"page": 1, "per_page": 25, "has_next_page": False, "has_prev_page": False}
    demand = report.pop("product_variants_in_demand")
    assert report == rest
    assert len(demand) == 3
    for one in demand:
        check(one, "ProductVariantDemand")


async def test_notifying_and_moving_are_as_documented(api):
    first, second = await signed_up(api), await signed_up(api, 21)
    told = await api.post("/intents/notify_intent", json={"id": first["id"]})
    check_like(told, "POST", "/intents/notify_intent")
    ids = [first["id"], second["id"], str(new_id())]
    part = await api.post("/intents/bulk_notify_intent", json={"intent_ids": ids})
    check_like(part, "POST", "/intents/bulk_notify_intent")
    assert part.status_code == 207
    assert part.json()["failed"][1] == {"intent_id": ids[2], "error": "Intent not found"}
    body = {"from_shopify_variant_id": 31, "from_shopify_product_id": PRODUCT + 1}
    body |= {"to_shopify_variant_id": 11, "to_shopify_product_id": PRODUCT}
    moved = await api.post("/intents/transfer_signups", json=body)
    assert moved.status_code == 200


# As bare as v2 makes them, with all that may be null, and with every text and value.
PLANS = (
    {},
    {"billing_type": "exact_time", "billing_at": MOMENT, "delivery_type": "unknown"},
    {
        "billing_type": "time_after_checkout",
        "billing_checkout_charge_percentage": 12.5,
        "billing_checkout_charge_amount": 3,
        "pricing_type": "price",
        "pricing_amount": 9.99,
        "pricing_percentage": 15,
        "delivery_type": "exact_time",
        "delivery_at": MOMENT,
        "markets_enabled": True,
        "shopify_market_ids": [5],
        "preorder_min_quantity": 1,
        "preorder_max_quantity": 2,
        "product_variants_source_id": 7,
        "preorder_badge_text": "Preorder",
    },
)


@pytest.mark.parametrize("fields", PLANS)
async def test_plans_are_as_documented(api, client, fields):
    plan = await planned(api, **fields)
    at = f"/preorders/{plan['id']}"
    made = await client.post("/preorders/offers", json={})
    listed = (await api.get("/preorders")).json()
    assert list(differences(listed["meta"], META)) == []
    for one in listed["selling_plans"]:
        check(one, "SellingPlanList")
    read = (await api.get(at)).json()
    changed = (await api.put(at, json={"selling_plan": read | {"name": "Other"}})).json()
    check_like(await api.delete(at), "DELETE", PLAN)
    deleted = (await api.get(at)).json()
    assert deleted["discarded_at"] is not None
    v2s = (await api.get(f"/preorders/{made.json()['id']}")).json()
    for answer in (plan, read, changed, deleted, v2s):
        check(answer, "SellingPlan", MORE)
    changes = {"name": "Other", "updated_at": changed["updated_at"]}
    assert changed == read | changes


async def test_a_plans_variants_are_as_documented(api):
    at = await selling(api)
    whole = (await api.get(f"{at}/product_variants")).json()
    check(whole, "SellingPlanProductVariantsResponse")
    assert len(whole["product_variants"]) == 3
    single = await api.get(f"{at}/product_variants?shopify_variant_id=31")
    check(single.json(), "SellingPlanSingleVariantResponse")
    body = {"shopify_variant_id": 11, "shipping_text": "July", "preorder_max_count": 9}
    changed = await api.patch(f"{at}/update_variant_settings", json=body)
    check_like(changed, "PATCH", f"{PLAN}/update_variant_settings")
    body = {"shopify_variant_ids": VARIANTS, "inventory_policy": "CONTINUE"}
    queued = await api.post(f"{at}/bulk_toggle_inventory_policy", json=body)
    check_like(queued, "POST", f"{PLAN}/bulk_toggle_inventory_policy")
    removed = await api.delete(f"{at}/remove_variant?shopify_variant_ids=11&inventory_policy=DENY")
    check_like(removed, "DELETE", f"{PLAN}/remove_variant")
    added = await api.post(f"{at}/add_variant", json={"shopify_variant_ids": [11]})
    check_like(added, "POST", f"{PLAN}/add_variant")
    bare = (await api.delete(f"{at}/remove_variant?shopify_variant_ids=11")).json()
    assert None not in bare.values()
    body = MAIL | {"shopify_order_ids": [ORDER]}
    sent = await api.post("/preorders/send_shipping_update", json=body)
    check_like(sent, "POST", "/preorders/send_shipping_update")


IDS, SHOPIFY_IDS = {"intent_ids": ["x"]}, {"shopify_variant_ids": [11]}
POLICY = SHOPIFY_IDS | {"inventory_policy": "DENY"}
MOVE = {
    "from_shopify_variant_id": 11,
    "from_shopify_product_id": PRODUCT,
    "to_shopify_variant_id": 21,
    "to_shopify_product_id": PRODUCT,
}
# The operation, a right body, a field of it, and the status that the reference has for a wrong one.
WRONG = [
    ("DELETE", "/intents/bulk_destroy", IDS, "intent_ids", 400, (None, "x", 1, [], [1], {})),
    ("POST", "/intents/notify_intent", {"id": "x"}, "id", 422, (None, 1, [], {})),
    ("POST", "/intents/notify_intent", {"id": "x"}, "allow_resend", 422, (None, "yes", 1, [])),
    ("POST", "/intents/bulk_notify_intent", IDS, "intent_ids", 400, (None, "x", 1, [], [1], {})),
    ("POST", "/intents/bulk_notify_intent", IDS, "allow_resend", 400, (None, "yes", 1, [])),
    *[("POST", "/intents/transfer_signups", MOVE, name, 400, NOT_NUMBERS) for name in MOVE],
    ("POST", "/intents/transfer_signups", MOVE, "intent_type", 400, (None, "some", 1)),
    ("POST", f"{PLAN}/add_variant", SHOPIFY_IDS, "shopify_variant_ids", 400, (*NOT_NUMBERS, ["x"])),
    ("DELETE", f"{PLAN}/remove_variant", POLICY, "shopify_variant_ids", 400, (*NOT_NUMBERS, ["x"])),
    ("DELETE", f"{PLAN}/remove_variant", POLICY, "inventory_policy", 400, (1, [])),
    ("DELETE", f"{PLAN}/remove_variant", POLICY, "inventory_policy", 422, ("deny", "")),
    *[
        ("POST", f"{PLAN}/bulk_toggle_inventory_policy", POLICY, *rest)
        for rest in [
            ("shopify_variant_ids", 400, (*NOT_NUMBERS, ["x"])),
            ("inventory_policy", 400, (None, 1, [])),
            ("inventory_policy", 422, ("deny", "")),
        ]
    ],
    *[
        ("PATCH", f"{PLAN}/update_variant_settings", {"shopify_variant_id": 11} | more, *rest)
        for more, *rest in [
            ({"shipping_text": "x"}, "shopify_variant_id", 400, NOT_NUMBERS),
            ({}, "shipping_text", 422, (1, [], "x" * 2001)),
            ({}, "preorder_max_count", 422, (-1, "x", 1.5)),
        ]
    ],
    *[
        ("POST", "/preorders/send_shipping_update", MAIL | {"order_ids": [str(new_id())]}, *rest)
        for rest in [
            *((name, 400, (None, 1, "", [])) for name in MAIL),
            ("order_ids", 400, ("x", [1])),
        ]
    ],
]


@pytest.mark.parametrize(("method", "path", "right", "name", "status", "values"), WRONG)
async def test_a_wrong_value_is_refused_by_its_name(api, method, path, right, name, status, values):
    at = path.replace(PLAN, await selling(api))
    documented = OPERATIONS[method, path]
    shapes = [set(one) for one in documented["errors"]] or [{"error"}]
    for value in values:
        answer = await api.request(method, at, json=right | {name: value})
        assert answer.status_code == status, (value, answer.text)
        assert status in documented["statuses"]
        body = answer.json()
        assert set(body) in shapes
        assert name in " ".join([body["error"], *body.get("details", ())]), (value, body)


@pytest.mark.parametrize("name", sorted(MODELS["SellingPlanInput"]))
async def test_a_wrong_field_of_a_plan_is_refused_by_its_name(api, name):
    plan = await planned(api)
    at = f"/preorders/{plan['id']}"
    wrong = {"string": (1, [], {}), "boolean": (None, "yes", 1), "number": ("x", -1, [], True)}
    wrong |= {"integer": ("x", -1, 1.5, [], True), "array": (None, "x", 1, ["x"])}
    for value in wrong[MODELS["SellingPlanInput"][name]["type"]]:
        for method, where in (("POST", "/preorders"), ("PUT", at)):
            answer = await api.request(method, where, json={"selling_plan": {name: value}})
            assert (answer.status_code, list(answer.json())) == (422, ["errors"]), answer.text
            assert list(answer.json()["errors"]) == [name], (value, answer.text)
    assert (await api.get(at)).json() == plan


CREATE = ("POST", "/intents")


@pytest.mark.parametrize(("method", "path"), sorted(set(OPERATIONS) - {CREATE}))
async def test_errors_have_the_shape_of_v1(app, api, method, path):
    at = path.replace("{id}", str(new_id()))
    async with client_of(app, base="/api/v1") as anybody:
        nobody = await anybody.request(method, at)
    assert (nobody.status_code, list(nobody.json())) == (401, ["error"])
    wrong = await api.patch("/intents") if path == PLAN else await api.request("TRACE", at)
    assert (wrong.status_code, list(wrong.json())) == (405, ["error"])
    unknown = await api.request(method, f"{at}/nothing/at/all")
    assert (unknown.status_code, list(unknown.json())) == (404, ["error"])
    if method != "GET":
        unread = await api.request(method, at, content=b"{")
        assert (unread.status_code, list(unread.json())) == (400, ["error"])
    if "{id}" in path:
        bodies = {"selling_plan": {}} | POLICY | {"shopify_variant_id": 1, "shipping_text": "x"}
        body = None if method == "GET" else bodies
        missing = await api.request(method, at, json=body)
        noun = "Intent" if path.startswith("/intents") else "Selling plan"
        assert (missing.status_code, missing.json()) == (404, {"error": f"{noun} not found"})


async def test_a_deleted_plan_refuses_every_change_in_the_shape_of_the_operation(api):
    at = await selling(api, name="Gone")
    await api.delete(at)
    before = (await api.get(at)).json()
    for method, path, body in (
        ("PUT", "", {"selling_plan": {"name": "Back"}}),
        ("POST", "/add_variant", SHOPIFY_IDS),
        ("DELETE", "/remove_variant", POLICY),
        ("POST", "/bulk_toggle_inventory_policy", POLICY),
    ):
        answer = await api.request(method, at + path, json=body)
        assert answer.status_code == 422, answer.text
        documented = OPERATIONS[method, PLAN + path]["errors"]
        assert set(answer.json()) in [set(one) for one in documented]
        assert "the selling plan was deleted" in answer.text
    body = {"shopify_variant_id": 11, "shipping_text": "x"}
    settings = await api.patch(f"{at}/update_variant_settings", json=body)
    assert (settings.status_code, list(settings.json())) == (404, ["error"])
    assert (await api.get(at)).json() == before
    assert (await api.put(at, json={"selling_plan": {"name": "Back"}})).json() == {
        "errors": {
            "discarded_at": [
                "the selling plan was deleted; create a new one, or restore it through API v2"
            ]
        }
    }


async def test_a_query_may_have_names_that_v1_does_not_know(api):
    await signed_up(api)
    unknown = ("_=1", "utm_source=x&utm_source=y", "cache=no", "tags[]=x&tags[]=y", "a[b]=1&a[b]=2")
    for query in (*unknown, "intent_ids[]=1&intent_ids[]=2", "a%5B%5D=1&a%5B%5D=2&a=3"):
        found = await api.get(f"/intents?{query}")
        assert (found.status_code, len(found.json()["intents"])) == (200, 1), found.text


@pytest.mark.parametrize("query", ["per_page=1&per_page=2", "per_page[]=1&per_page=2"])
async def test_a_known_name_is_given_once_with_brackets_or_without(api, query):
    twice = await api.get(f"/intents?{query}")
    assert (twice.status_code, twice.json()) == (400, {"error": "per_page may be given only once"})
    once = await api.get("/intents?per_page[]=7")
    assert once.json()["meta"]["per_page"] == 7


@pytest.mark.parametrize(
    "spelling", ["{0}[]=11&{0}[]=21", "{0}=11&{0}[]=21", "{0}=11,21,&x[]=1&x[]=2"]
)
async def test_a_list_in_a_query_has_every_spelling(api, spelling):
    at = await selling(api, 11, 21, name="Listed")
    query = spelling.format("shopify_variant_ids")
    removed = await api.delete(f"{at}/remove_variant?{query}")
    assert removed.json()["variants_removed"] == [11, 21], removed.text
