"""Bodies of webhooks, ours and Shopify's samples."""

import json

from tests.facts.load import webhook_samples


def encoded(value):
    return json.dumps(value).encode()


def sample(topic):
    return webhook_samples()[topic]
