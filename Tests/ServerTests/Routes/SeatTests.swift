import Foundation
import Testing

@testable import Engine
@testable import Server

/// Numbered seats over a socket: every route and every refusal, retries, and a restart in between.
@Suite struct SeatTests {
    private static let rows = #"{"rows":[{"label":"A","from":1,"to":10},{"label":"B","from":9,"to":1,"step":2}]}"#

    /// A gala with a stalls section of two rows: A-1 … A-10, and B-9, B-7 … B-1.
    private func openHouse(_ client: LoopbackClient, strict: Bool = false) throws {
        for (path, body) in [
            ("/api/v1/events", #"{"id":"gala","name":"Gala","currency":"EUR"}"#),
            ("/api/v1/events/gala/pricing", #"{"base_price":50}"#),
            (
                "/api/v1/events/gala/capacity",
                #"{"id":"stalls","section_name":"Stalls","total_capacity":0,"leave_no_single_seat":\#(strict)}"#
            ),
            ("/api/v1/events/gala/capacity", #"{"id":"floor","section_name":"Floor","total_capacity":100}"#),
            ("/api/v1/capacity/stalls/seats", Self.rows), ("/api/v1/events/gala/publish", "{}"),
        ] {
            let reply = try client.post(path, body)
            try #require(reply.status < 300, "\(path): \(reply.body)")
        }
    }

    private func json(_ reply: LoopbackClient.Reply) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(reply.body.utf8)) as? [String: Any], "\(reply.body)")
    }

    private func code(_ reply: LoopbackClient.Reply) throws -> String {
        "\(reply.status) \(try json(reply)["code"] as? String ?? "-")"
    }

    private func reserve(_ client: LoopbackClient, _ body: String, key: String? = nil) throws -> LoopbackClient.Reply {
        try client.post("/api/v1/capacity/stalls/reserve", body, key: key)
    }

    private func seats(_ reply: LoopbackClient.Reply) throws -> [String] {
        try #require(reply.status < 300, "\(reply.body)")
        let reservation = try #require(try json(reply)["reservation"] as? [String: Any])
        return try #require(reservation["items"] as? [[String: Any]]).flatMap { $0["seats"] as? [String] ?? [] }
    }

    private func id(_ reply: LoopbackClient.Reply) throws -> String {
        try #require((try json(reply)["reservation"] as? [String: Any])?["id"] as? String, "\(reply.body)")
    }

    /// The states of the stalls' rows.
    private func states(_ client: LoopbackClient) throws -> [String] {
        let seats = try json(try client.get("/api/v1/capacity/stalls/seats"))["seats"] as? [String: Any]
        return try #require(seats?["rows"] as? [[String: Any]]).map { $0["states"] as? String ?? "-" }
    }

    @Test func seatsGoFromFreeToSoldAndBack() async throws {
        try await SaleServer.run { server in
            let client = try server.connect()
            try openHouse(client)
            #expect(try states(client) == ["f10", "f5"])
            let named = try reserve(client, #"{"seats":["A-3","A-2","B-7"]}"#)
            #expect(try seats(named) == ["A-2", "A-3", "B-7"])
            #expect(try states(client) == ["fh2f7", "fhf3"])
            // As near to the row's middle as six that stand together can be.
            #expect(try seats(try reserve(client, #"{"quantity":6}"#)) == (4...9).map { "A-\($0)" })
            #expect(try states(client) == ["fh8f", "fhf3"])
            let sold = try client.post("/api/v1/reservations/\(try id(named))/confirm", #"{"payment_reference":"p"}"#)
            let tickets = try #require(try json(sold)["tickets"] as? [[String: Any]])
            #expect(tickets.map { $0["seat"] as? String } == ["A-2", "A-3", "B-7"])
            #expect(try states(client) == ["fs2h6f", "fsf3"])
            let order = try #require((try json(sold)["order"] as? [String: Any])?["id"] as? String)
            let ticket = try #require(tickets[1]["id"] as? String)
            let refund = try client.post("/api/v1/orders/\(order)/refund", #"{"tickets":["\#(ticket)"]}"#)
            #expect(refund.status == 200)
            #expect(try states(client) == ["fsfh6f", "fsf3"])
            let kept = try client.post("/api/v1/orders/\(order)/refund", #"{"restock":false}"#)
            #expect(kept.status == 200)
            #expect(try states(client) == ["fsfh6f", "fsf3"])
        }
    }

    @Test func aReservationMixesSeatsAndPlacesAllOrNothing() async throws {
        try await SaleServer.run { server in
            let client = try server.connect()
            try openHouse(client)
            func ask(_ seat: String) throws -> LoopbackClient.Reply {
                let items = #"[{"capacity_id":"floor","quantity":2},{"capacity_id":"stalls","seats":["\#(seat)"]}]"#
                return try client.post("/api/v1/reservations", #"{"event_id":"gala","items":\#(items)}"#)
            }
            let first = try ask("A-1")
            #expect(first.status == 201)
            #expect(try seats(first) == ["A-1"])
            #expect(try code(try ask("A-1")) == "409 SEAT_TAKEN")
            let floor = try #require(try json(try client.get("/api/v1/capacity/floor"))["capacity"] as? [String: Any])
            #expect(floor["reserved_capacity"] as? Int == 2)
            let released = try client.post("/api/v1/reservations/\(try id(first))/release", "{}")
            #expect(try seats(released) == ["A-1"])
            #expect(try states(client) == ["f10", "f5"])
        }
    }

    @Test func everyRefusalHasItsOwnAnswer() async throws {
        try await SaleServer.run { server in
            let client = try server.connect()
            try openHouse(client)
            _ = try reserve(client, #"{"seats":["A-5"]}"#)
            _ = try client.post("/api/v1/capacity/floor/reserve", #"{"quantity":1}"#)
            let expected: [(String, String, String)] = [
                ("stalls/reserve", #"{"seats":["A-1","A-11"]}"#, "404 SEAT_NOT_FOUND"),
                ("stalls/reserve", #"{"seats":["A-01"]}"#, "404 SEAT_NOT_FOUND"),
                ("stalls/reserve", #"{"seats":["A-5"]}"#, "409 SEAT_TAKEN"),
                ("stalls/reserve", #"{"seats":["A-1","A-1"]}"#, "422 SEAT_TWICE"),
                ("stalls/reserve", #"{"quantity":6}"#, "409 NO_SEATS_TOGETHER"),
                ("stalls/reserve", #"{"quantity":15}"#, "409 SOLD_OUT"),
                ("stalls/reserve", #"{"seats":[]}"#, "422 VALIDATION_FAILED"),
                ("stalls/reserve", #"{"seats":["A-1"],"quantity":2}"#, "422 VALIDATION_FAILED"),
                ("stalls/reserve", #"{"seats":"A-1"}"#, "422 VALIDATION_FAILED"),
                ("floor/reserve", #"{"seats":["A-1"]}"#, "409 CAPACITY_WITHOUT_SEATS"),
                ("floor/seats", Self.rows, "409 CAPACITY_IN_USE"),
                ("stalls/seats", Self.rows, "409 ROW_EXISTS"),
                ("nowhere/seats", Self.rows, "404 CAPACITY_NOT_FOUND"),
                ("stalls/seats", #"{"rows":[]}"#, "422 VALIDATION_FAILED"),
                ("stalls/seats", #"{"rows":[{"label":"C"}]}"#, "422 VALIDATION_FAILED"),
                ("stalls/seats", #"{"rows":[{"from":1,"to":2}]}"#, "422 VALIDATION_FAILED"),
                ("stalls/seats", #"{"rows":[{"label":"C","from":1,"to":1001}]}"#, "422 VALIDATION_FAILED"),
                ("stalls/seats", #"{"rows":[{"label":"C","seats":["1-1"]}]}"#, "422 VALIDATION_FAILED"),
                ("stalls/seats", #"{"rows":[{"label":"C","seats":["1",{"label":"1"}]}]}"#, "422 VALIDATION_FAILED"),
                (
                    "stalls/seats", #"{"rows":[{"label":"C","from":1,"to":2},{"label":"C","from":1,"to":2}]}"#,
                    "409 ROW_EXISTS"
                ),
                ("stalls/seats/block", #"{"seats":["A-5"]}"#, "409 SEAT_TAKEN"),
                ("stalls/seats/block", #"{"seats":["Z-5"]}"#, "404 SEAT_NOT_FOUND"),
                ("stalls/seats/block", #"{}"#, "422 VALIDATION_FAILED"),
                ("floor/seats/unblock", #"{"seats":["A-5"]}"#, "409 CAPACITY_WITHOUT_SEATS"),
            ]
            for (path, body, code) in expected {
                #expect(try self.code(try client.post("/api/v1/capacity/\(path)", body)) == code, "\(path) \(body)")
            }
            #expect(try code(try client.get("/api/v1/capacity/floor/seats")) == "409 CAPACITY_WITHOUT_SEATS")
            #expect(try code(try client.get("/api/v1/capacity/nowhere/seats")) == "404 CAPACITY_NOT_FOUND")
            #expect(try code(try client.get("/api/v1/events/nowhere/seats")) == "404 EVENT_NOT_FOUND")
            let put = #"{"total_capacity":99}"#
            try client.send(
                "PUT /api/v1/capacity/stalls HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
                    + "Content-Length: \(put.utf8.count)\r\n\r\n\(put)"
            )
            #expect(try code(try client.next()) == "409 CAPACITY_HAS_SEATS")
            // Nothing of all that has left a trace.
            #expect(try states(client) == ["f4hf5", "f5"])
        }
    }

    @Test func aSingleSeatIsLeftToNobodyWhereTheOrganizerAsksForThat() async throws {
        try await SaleServer.run { server in
            let client = try server.connect()
            try openHouse(client, strict: true)
            #expect(try code(try reserve(client, #"{"seats":["A-2","A-3"]}"#)) == "409 SINGLE_SEAT_LEFT")
            #expect(try seats(try reserve(client, #"{"quantity":3}"#)) == ["A-4", "A-5", "A-6"])
            #expect(try code(try reserve(client, #"{"seats":["A-9"]}"#)) == "409 SINGLE_SEAT_LEFT")
            #expect(try seats(try reserve(client, #"{"seats":["A-9","A-10"]}"#)) == ["A-9", "A-10"])
            // Of B's five, four would leave one: none are given.
            #expect(try code(try reserve(client, #"{"quantity":4}"#)) == "409 NO_SEATS_TOGETHER")
        }
    }

    @Test func theMapIsCompactAndKnownByItsTag() async throws {
        try await SaleServer.run { server in
            let client = try server.connect()
            try openHouse(client)
            let labelled = #"{"rows":[{"label":"Box-1","seats":["a",{"label":"b"}]}]}"#
            #expect(try client.post("/api/v1/capacity/stalls/seats", labelled).status == 201)
            let blocked = try client.post("/api/v1/capacity/stalls/seats/block", #"{"seats":["Box-1-b","A-10"]}"#)
            let capacity = try #require(try json(blocked)["capacity"] as? [String: Any])
            #expect(capacity["buffer_capacity"] as? Int == 2)
            #expect(capacity["total_capacity"] as? Int == 17)
            #expect(capacity["available_capacity"] as? Int == 15)
            let map = try client.get("/api/v1/capacity/stalls/seats")
            let counts = #""capacity_id":"stalls","total_capacity":17,"available_capacity":15,"reserved_capacity":0,"#
            let rows =
                #"{"label":"A","from":1,"to":10,"step":1,"states":"f9b"},{"label":"B","from":9,"to":1,"step":2,"states":"f5"},{"label":"Box-1","seats":["a","b"],"states":"fb"}"#
            #expect(
                map.body
                    == #"{"seats":{\#(counts)"sold_count":0,"blocked_count":2,"rows":[\#(rows)]},"next_cursor":null}"#
            )
            let all = try client.get("/api/v1/events/gala/seats")
            #expect(
                all.body
                    == #"{"seats":[{\#(counts)"sold_count":0,"blocked_count":2,"first_row":0,"states":["f9b","f5","fb"]}],"next_cursor":null}"#
            )
            for path in ["/api/v1/capacity/stalls/seats", "/api/v1/events/gala/seats"] {
                let tag = try #require(try client.get(path).headers["etag"])
                let again = "GET \(path) HTTP/1.1\r\nHost: test\r\nIf-None-Match: \(tag)\r\n\r\n"
                try client.send(again)
                #expect(try #require(try client.receive(hasBody: false)).status == 304)
                let held = try reserve(client, #"{"quantity":1}"#)
                try client.send(again)
                #expect(try client.next().status == 200)
                _ = try client.post("/api/v1/reservations/\(try id(held))/release", "{}")
            }
            let page = try client.get("/api/v1/capacity/stalls/seats?limit=2")
            let cursor = try #require(try json(page)["next_cursor"] as? String)
            #expect(page.headers["link"]?.contains("/api/v1/capacity/stalls/seats?limit=2&cursor=\(cursor)") == true)
            let rest = try client.get("/api/v1/capacity/stalls/seats?limit=2&cursor=\(cursor)")
            #expect(rest.body.contains(#""rows":[{"label":"Box-1""#))
            #expect(rest.body.contains(#""next_cursor":null"#))
            let free = try client.post("/api/v1/capacity/stalls/seats/unblock", #"{"seats":["A-10","A-1"]}"#)
            #expect((try json(free)["capacity"] as? [String: Any])?["buffer_capacity"] as? Int == 1)
        }
    }

    /// The log, then its snapshot: what was answered is there, and a retry hears the same bytes.
    @Test func aRestartLosesNoSeatAndNoAnswer() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let asked: [(String, String)] = [
            ("stalls/seats", #"{"rows":[{"label":"C","seats":["x","y","z"]}]}"#),
            ("stalls/seats/block", #"{"seats":["C-y"]}"#), ("stalls/reserve", #"{"seats":["A-1","B-1"]}"#),
            ("stalls/reserve", #"{"quantity":2}"#), ("stalls/reserve", #"{"seats":["A-1"]}"#),
            ("stalls/reserve", #"{"quantity":11}"#), ("stalls/seats", Self.rows),
        ]
        func ask(_ client: LoopbackClient) throws -> [LoopbackClient.Reply] {
            try asked.enumerated().map { try client.post("/api/v1/capacity/\($1.0)", $1.1, key: "key-\($0)") }
        }
        func body(_ reply: LoopbackClient.Reply) -> String { "\(reply.status) \(reply.body)" }
        var first: [String] = []
        var before: [String] = []
        var tag: String?
        try await SaleServer.run(folder: folder) { server in
            let client = try server.connect()
            try openHouse(client)
            let replies = try ask(client)
            let order = "/api/v1/reservations/\(try id(replies[2]))/confirm"
            #expect(try client.post(order, #"{"payment_reference":"p"}"#, key: "sold").status == 200)
            first = replies.map(body)
            #expect(replies.map(\.status) == [201, 200, 200, 200, 409, 409, 409])
            #expect(try ask(client).map(body) == first)
            let other = try reserve(client, #"{"seats":["A-2","B-1"]}"#, key: "key-2")
            #expect(try code(other) == "422 IDEMPOTENCY_KEY_REUSED")
            before = try states(client)
            #expect(before == ["sf3h2f4", "f4s", "fbf"])
            tag = try client.get("/api/v1/capacity/stalls/seats").headers["etag"]
        }
        for _ in 0..<2 {
            try await SaleServer.run(folder: folder) { server in
                let client = try server.connect()
                #expect(try ask(client).map(body) == first)
                #expect(try states(client) == before)
                #expect(try client.get("/api/v1/capacity/stalls/seats").headers["etag"] == tag)
                #expect(try code(try reserve(client, #"{"seats":["A-1"]}"#)) == "409 SEAT_TAKEN")
            }
        }
    }

    @Test func aLineOfABatchNamesSeatsToo() async throws {
        try await SaleServer.run(shards: 2) { server in
            let client = try server.connect()
            try openHouse(client)
            let line = #"{"op":"reserve","capacity_id":"stalls","seats":["A-4","A-5"],"idempotency_key":"one"}"#
            let lines = try client.batch([line, #"{"op":"reserve","capacity_id":"stalls","seats":["A-4"]}"#])
            #expect(lines.map(\.status) == [200, 409])
            #expect(lines[1].code == "SEAT_TAKEN")
            let single = try reserve(client, #"{ "seats" : ["A-4","A-5"] }"#, key: "one")
            #expect(single.body == lines[0].body)
        }
    }

    @Test func aHundredThousandSeatsAreAddedInOneCall() async throws {
        try await SaleServer.run { server in
            let client = try server.connect()
            try openHouse(client)
            let rows = (0..<1_000).map { #"{"label":"R\#($0)","from":1,"to":100}"# }.joined(separator: ",")
            let added = try client.post("/api/v1/capacity/stalls/seats", #"{"rows":[\#(rows)]}"#)
            #expect(added.status == 201, "\(added.body)")
            #expect((try json(added)["capacity"] as? [String: Any])?["total_capacity"] as? Int == 100_015)
            #expect(try seats(try reserve(client, #"{"seats":["R999-100"]}"#)) == ["R999-100"])
            #expect(try seats(try reserve(client, #"{"quantity":100}"#)) == (1...100).map { "R0-\($0)" })
            let all = try client.get("/api/v1/events/gala/seats")
            #expect(all.body.utf8.count < 2_000)
        }
    }

    /// Sections one after the other, a page of rows each time, and each page with a tag of its own.
    @Test func theMapOfAnEventComesInPages() async throws {
        try await SaleServer.run { server in
            let client = try server.connect()
            try openHouse(client)
            for section in ["balcony", "gallery"] {
                let new = #"{"id":"\#(section)","section_name":"S","total_capacity":0}"#
                #expect(try client.post("/api/v1/events/gala/capacity", new).status == 201)
            }
            let rows = (0..<5).map { #"{"label":"R\#($0)","from":1,"to":\#($0 + 1)}"# }.joined(separator: ",")
            #expect(try client.post("/api/v1/capacity/gallery/seats", #"{"rows":[\#(rows)]}"#).status == 201)
            var path: String? = "/api/v1/events/gala/seats?limit=3"
            var pages: [[String]] = []
            var tags: Set<String> = []
            while let next = path {
                let reply = try client.get(next)
                let parts = try #require(try json(reply)["seats"] as? [[String: Any]], "\(reply.body)")
                pages.append(
                    parts.map { "\($0["capacity_id"]!) \($0["first_row"]!) \($0["states"] as! [String])" }
                )
                tags.insert(try #require(reply.headers["etag"]))
                let cursor = try json(reply)["next_cursor"] as? String
                path = cursor.map { "/api/v1/events/gala/seats?limit=3&cursor=\($0)" }
                #expect(reply.headers["link"] == path.map { "<\($0)>; rel=\"next\"" })
            }
            #expect(
                pages == [
                    [#"stalls 0 ["f10", "f5"]"#, #"gallery 0 ["f"]"#], [#"gallery 1 ["f2", "f3", "f4"]"#],
                    [#"gallery 4 ["f5"]"#],
                ]
            )
            #expect(tags.count == 3)
            for (query, expected) in [
                ("limit=0", "422 VALIDATION_FAILED"), ("limit=201", "422 VALIDATION_FAILED"),
                ("cursor=AAAA", "422 VALIDATION_FAILED"), ("cursor=AAAAAAA!", "422 VALIDATION_FAILED"),
            ] {
                #expect(try code(try client.get("/api/v1/events/gala/seats?\(query)")) == expected, "\(query)")
            }
            // Behind the last row, and behind the last section, there is nothing more.
            for cursor in ["AAAAAAAC", "____AAAA"] {
                let reply = try client.get("/api/v1/events/gala/seats?cursor=\(cursor)&limit=1")
                #expect(reply.status == 200)
                #expect(reply.body.hasSuffix(#""next_cursor":null}"#) == (cursor == "____AAAA"), "\(reply.body)")
            }
        }
    }

    /// A thousand names with one of them twice, and a row of a thousand labels: each is looked up at once.
    @Test func aThousandLabelsAreReserved() async throws {
        try await SaleServer.run { server in
            let client = try server.connect()
            try openHouse(client)
            let labels = (0..<1_000).map { "\"s\($0)\"" }
            let row = #"{"rows":[{"label":"L","seats":[\#(labels.joined(separator: ","))]}]}"#
            #expect(try client.post("/api/v1/capacity/stalls/seats", row).status == 201)
            let names = (0..<1_000).map { "\"L-s\($0)\"" }
            let twice = (names.dropLast() + [names[17]]).joined(separator: ",")
            #expect(try code(try reserve(client, #"{"seats":[\#(twice)]}"#)) == "422 SEAT_TWICE")
            let missing = #"{"seats":["L-x","A-1","L-x"]}"#
            #expect(try code(try reserve(client, missing)) == "404 SEAT_NOT_FOUND")
            let all = try reserve(client, #"{"seats":[\#(names.reversed().joined(separator: ","))]}"#)
            #expect(try seats(all) == (0..<1_000).map { "L-s\($0)" })
        }
    }
}
