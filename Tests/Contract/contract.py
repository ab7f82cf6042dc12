"""What Schemathesis has to know of Holdfast beyond openapi.json.

Most random ids name nothing, and a run of 404s tests little: generated ids are exchanged for ones of the fixture. A check of
our own holds every refusal's code against the codes that the document gives the operation.
"""

import json
import os
import re
import zlib

import schemathesis

with open(os.environ["HOLDFAST_FIXTURE"]) as file:
    IDS = json.load(file)

PLACES = [IDS["floor"], IDS["stalls"]]
OF_PATH = {
    "events": [IDS["event"]],
    "venues": [IDS["venue"]],
    "capacity": PLACES,
    "pricing": [IDS["pricing"]],
    "ticket-types": [IDS["pricing"]],
    "reservations": IDS["reservations"],
    "orders": IDS["orders"],
    "tickets": IDS["tickets"],
    "customers": ["ada"],
}
OF_MEMBER = {
    "event_id": [IDS["event"]],
    "venue_id": [IDS["venue"]],
    "schedule_id": [IDS["schedule"]],
    "capacity_id": PLACES,
    "pricing_id": [IDS["pricing"]],
    "gate": ["north"],
}
ID = re.compile(r"[A-Za-z0-9._~:-]{1,64}")
# Of four ids that could name something, three do.
KNOWN_OF_FOUR = 3


def known(value, choices):
    """One of the fixture's ids instead of one that was made up; the same one for the same value, so that a run can be repeated."""
    if not isinstance(value, str) or not ID.fullmatch(value):
        return value
    number = zlib.crc32(value.encode())
    return choices[number // 4 % len(choices)] if number % 4 < KNOWN_OF_FOUR else value


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    # Of an operation that makes the thing unusable for all others the ids stay what they are.
    if not path_parameters or context.operation.definition.raw["operationId"] in ("cancelEvent", "deleteEvent"):
        return path_parameters
    segments = context.operation.path.split("/")
    collection = segments[segments.index("{id}") - 1]
    found = {"id": OF_PATH[collection], "schedule_id": [IDS["schedule"]]}
    return {name: known(value, found[name]) for name, value in path_parameters.items()}


@schemathesis.hook
def map_body(context, body):
    return exchanged(body)


@schemathesis.hook
def map_query(context, query):
    return exchanged(query)


def exchanged(value):
    if isinstance(value, list):
        return [exchanged(element) for element in value]
    if isinstance(value, dict):
        return {
            name: known(member, OF_MEMBER[name]) if name in OF_MEMBER else exchanged(member)
            for name, member in value.items()
        }
    return value


@schemathesis.serializer("application/x-ndjson")
def line(context, value):
    return json.dumps(value).encode() + b"\n"


@schemathesis.deserializer("application/x-ndjson")
def last_line(context, response):
    """The schema is of a line."""
    return [json.loads(line) for line in response.content.decode().splitlines()][-1]


@schemathesis.check
def documented_code(ctx, response, case):
    """A refusal's code is one of the operation, of the response, or of any request, and has the problem's status."""
    if "application/problem+json" not in response.headers.get("content-type", [""])[0]:
        assert response.status_code < 400 or case.path == "/ready", "a refusal that is no problem"
        return
    document = case.operation.schema.raw_schema
    operation = case.operation.definition.raw
    code = response.json()["code"]
    status = response.status_code
    explained = document["components"]["x-problems"]
    assert code in explained, f"{code} is not in components/x-problems"
    assert status in explained[code]["status"], f"{code} came with {status}"
    if code in document["x-problems"]:
        return
    # A status that isn't there is what status_code_conformance looks for.
    answer = operation["responses"].get(str(status), {})
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]
    codes = operation.get("x-problems", []) + answer.get("x-problems", [])
    assert code in codes, f"{operation['operationId']} has no {code}"
