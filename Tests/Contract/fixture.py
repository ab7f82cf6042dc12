"""Fills a server with one of everything, and prints the ids as JSON.

Usage: fixture.py BASE TOKEN
"""

import json
import sys
import urllib.request


class Desk:
    """Sends requests as the organizer and the counter would, and stops at the first that is refused."""

    def __init__(self, base, token):
        self.base, self.token = base, token

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.base + path, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        data = None
        if body is not None:
            request.add_header("Content-Type", "application/json")
            data = json.dumps(body).encode()
        with urllib.request.urlopen(request, data) as answer:
            text = answer.read()
            return json.loads(text) if text else None


def event(desk, name):
    """An event on sale with a venue, a date, places with and without numbers, a price and a gate."""
    venue, day, floor, stalls = f"{name}-hall", f"{name}-friday", f"{name}-floor", f"{name}-stalls"
    desk.call("POST", "/api/v1/venues", {"id": venue, "name": "Hall", "max_capacity": 100_000})
    desk.call("POST", "/api/v1/events", {"id": name, "name": "Gala", "currency": "EUR", "venue_id": venue})
    desk.call(
        "POST",
        f"/api/v1/events/{name}/schedules",
        {"id": day, "starts_at": "2037-05-07T18:00:00Z", "ends_at": "2037-05-07T22:00:00Z"},
    )
    places = f"/api/v1/events/{name}/capacity"
    desk.call("POST", places, {"id": floor, "section_name": "Floor", "total_capacity": 50_000, "schedule_id": day})
    desk.call("POST", places, {"id": stalls, "section_name": "Stalls", "total_capacity": 0})
    desk.call("POST", f"/api/v1/capacity/{stalls}/seats", {"rows": [{"label": "A", "from": 1, "to": 400}]})
    pricing = desk.call(
        "POST",
        f"/api/v1/events/{name}/pricing",
        {"name": "Standard", "base_price": 50, "service_fee": 5, "facility_fee": 2.5, "tax_rate": 0.08},
    )["pricing"]["id"]
    desk.call("POST", f"/api/v1/events/{name}/gates", {"id": "north", "capacity_ids": [floor]})
    desk.call("POST", f"/api/v1/events/{name}/publish")
    return {"event": name, "venue": venue, "schedule": day, "floor": floor, "stalls": stalls, "pricing": pricing}


def sales(desk, ids):
    """Reservations that are held, and orders with tickets; some of them offered."""
    reserve = f"/api/v1/capacity/{ids['floor']}/reserve"

    def hold():
        return desk.call("POST", reserve, {"quantity": 2, "customer_id": "ada"})["reservation"]["id"]

    ids["reservations"] = [hold() for _ in range(60)]
    ids["orders"], ids["tickets"], ids["codes"], ids["offers"] = [], [], [], []
    for number in range(30):
        sold = desk.call(
            "POST", f"/api/v1/reservations/{hold()}/confirm", {"payment_reference": f"pay_{number}"}
        )
        ids["orders"].append(sold["order"]["id"])
        ids["tickets"] += [ticket["id"] for ticket in sold["tickets"]]
        ids["codes"] += [ticket["code"] for ticket in sold["tickets"]]
    for ticket in ids["tickets"][:10]:
        offer = desk.call("POST", f"/api/v1/tickets/{ticket}/transfer", {"recipient": "ben"})
        ids["offers"].append({"ticket": ticket, "answer": offer})
    return ids


def main(base, token):
    desk = Desk(base, token)
    print(json.dumps(sales(desk, event(desk, "gala")), indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
