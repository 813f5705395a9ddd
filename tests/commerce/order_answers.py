"""Orders as the Admin API tells them, for the tests that read and change them."""

END = {"hasNextPage": False, "endCursor": None}
ORDER = 9007199254740993
ORDER_GID = f"gid://shopify/Order/{ORDER}"


def nodes(*found, after=None):
    return {
        "nodes": list(found),
        "pageInfo": {"hasNextPage": after is not None, "endCursor": after},
    }


def denied(scope, *path):
    return {
        "message": f"Access denied for {path[-1]} field.",
        "extensions": {"code": "ACCESS_DENIED", "requiredAccess": f"`{scope}` access scope."},
        "path": list(path),
    }


def shop_money(amount):
    return {"shopMoney": {"amount": amount}}


def line(number, **told):
    return {
        "id": f"gid://shopify/LineItem/{number}",
        "title": "Coat",
        "variantTitle": "Red",
        "sku": f"COAT-{number}",
        "quantity": 3,
        "currentQuantity": 2,
        "unfulfilledQuantity": 1,
        "customAttributes": [{"key": "_offer", "value": "7"}, {"key": "gift", "value": None}],
        "sellingPlan": {"sellingPlanId": "gid://shopify/SellingPlan/5"},
        "variant": {"id": "gid://shopify/ProductVariant/3"},
        "product": {"id": "gid://shopify/Product/2"},
        "originalUnitPriceSet": shop_money("33.33"),
        "discountAllocations": [],
    } | told


def fulfillment_line(number):
    return {
        "id": f"gid://shopify/FulfillmentOrderLineItem/{number}",
        "totalQuantity": 3,
        "remainingQuantity": 2,
        "lineItem": {"id": "gid://shopify/LineItem/1"},
        "variant": None,
    }


def fulfillment_order(number, *lines, after=None, **told):
    return {
        "id": f"gid://shopify/FulfillmentOrder/{number}",
        "status": "OPEN",
        "fulfillAt": None,
        "assignedLocation": {"name": "Aspen"},
        "supportedActions": [{"action": "HOLD"}, {"action": "SPLIT"}],
        "fulfillmentHolds": [],
        "lineItems": nodes(*(lines or [fulfillment_line(number)]), after=after),
    } | told


def order(**told):
    return {
        "id": ORDER_GID,
        "name": "#1001",
        "createdAt": "2026-06-20T14:30:00Z",
        "updatedAt": "2026-06-20T14:31:00Z",
        "cancelledAt": None,
        "cancelReason": None,
        "closedAt": None,
        "test": False,
        "tags": ["preorder"],
        "email": "ada@example.com",
        "phone": None,
        "customerLocale": "en-CA",
        "shippingAddress": {"countryCodeV2": "CA"},
        "currencyCode": "CAD",
        "displayFinancialStatus": "PARTIALLY_PAID",
        "displayFulfillmentStatus": "ON_HOLD",
        "canMarkAsPaid": True,
        "statusPageUrl": "https://shop.example/orders/1",
        "originalTotalPriceSet": shop_money("110.0"),
        "currentTotalPriceSet": {
            "shopMoney": {"amount": "100.0"},
            "presentmentMoney": {"amount": "100.0", "currencyCode": "CAD"},
        },
        "totalReceivedSet": shop_money("20.0"),
        "totalRefundedSet": shop_money("0.0"),
        "totalOutstandingSet": shop_money("80.0"),
        "customer": {
            "id": "gid://shopify/Customer/9",
            "firstName": "Ada",
            "lastName": "Lovelace",
            "locale": "en",
            "defaultEmailAddress": {"emailAddress": "ada@example.com"},
            "defaultPhoneNumber": None,
        },
        "paymentTerms": None,
        "paymentCollectionDetails": {
            "additionalPaymentCollectionUrl": None,
            "vaultedPaymentMethods": [],
        },
        "transactions": [],
        "lineItems": nodes(line(1)),
        "fulfillmentOrders": nodes(fulfillment_order(1)),
    } | told
