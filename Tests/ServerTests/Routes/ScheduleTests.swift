import Foundation
import Testing

@testable import Engine
@testable import Server

/// The dates of an event over a socket: every route and every refusal, retries, and a restart in between.
@Suite struct ScheduleTests {
    private static let path = "/api/v1/events/gala/schedules"

    private func open(_ client: CatalogueClient) throws {
        try client.thing("event", "POST", "/api/v1/events", #"{"id":"gala","name":"Gala","currency":"EUR"}"#)
    }

    /// A time so many hours from now.
    private static func time(_ hours: Double) -> String {
        Timestamp.text(Milliseconds((Date().timeIntervalSince1970 + hours * 3_600) * 1_000))
    }

    private static func date(_ id: String, _ start: Double, _ end: Double, _ more: String = "") -> String {
        #"{"id":"\#(id)","starts_at":"\#(time(start))","ends_at":"\#(time(end))"\#(more)}"#
    }

    @Test func aDateIsKeptAsItCame() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let body = Self.date("friday", 5, 7, #","doors_open_at":"\#(Self.time(4))","act":{"name": "X"}"#)
        let first = try await SaleServer.run(folder: folder) { server in
            let client = try CatalogueClient(server)
            #expect(try client.refusal("POST", Self.path, body) == "404 EVENT_NOT_FOUND")
            #expect(try client.refusal("GET", Self.path) == "404 EVENT_NOT_FOUND")
            try open(client)
            let created = try client.send("POST", Self.path, body, key: "one")
            #expect(created.status == 201, "\(created.body)")
            #expect(created.headers["location"] == "\(Self.path)/friday")
            let change = #"{"status":"CANCELLED","doors_open_at":null,"act":null,"why":"rain"}"#
            let tag = created.headers["etag"]
            let changed = try client.send("PUT", "\(Self.path)/friday", change, ifMatch: tag)
            #expect(changed.status == 200, "\(changed.body)")
            #expect(try client.refusal("PUT", "\(Self.path)/friday", "{}", ifMatch: tag) == "412 SCHEDULE_CHANGED")
            return created
        }
        try await SaleServer.run(folder: folder) { server in
            let client = try CatalogueClient(server)
            #expect(try client.send("POST", Self.path, body, key: "one").body == first.body)
            #expect(try client.refusal("POST", Self.path, body) == "409 SCHEDULE_EXISTS")
            let date = try client.thing("schedule", "GET", "\(Self.path)/friday")
            #expect(date["status"] as? String == "CANCELLED" && date["event_id"] as? String == "gala")
            #expect(date["doors_open_at"] is NSNull && date["act"] == nil && date["why"] as? String == "rain")
            #expect(date["version"] as? Int == 2)
            #expect(try client.refusal("GET", "\(Self.path)/monday") == "404 SCHEDULE_NOT_FOUND")
            #expect(try client.refusal("PUT", "\(Self.path)/monday", "{}") == "404 SCHEDULE_NOT_FOUND")
            #expect(try client.refusal("GET", "\(Self.path)/friday", tenant: "other") == "404 EVENT_NOT_FOUND")
        }
    }

    @Test(arguments: [
        "{}", #"{"starts_at":"2030-01-01T20:00:00Z"}"#,
        #"{"starts_at":"2030-01-01T20:00:00Z","ends_at":"2030-01-01T20:00:00Z"}"#,
        #"{"starts_at":"2030-01-01T20:00:00Z","ends_at":"2030-01-01T21:00:00Z","doors_open_at":"2030-01-01T20:01:00Z"}"#,
        #"{"starts_at":"2030-01-01T20:00:00Z","ends_at":"2030-01-01T21:00:00Z","status":"OVER"}"#,
        #"{"starts_at":"2030-01-01T20:00:00Z","ends_at":"2030-01-01T21:00:00Z","id":"next"}"#,
    ])
    func aDateHasToBeOne(_ body: String) async throws {
        try await SaleServer.run { server in
            let client = try CatalogueClient(server)
            try open(client)
            #expect(try client.refusal("POST", Self.path, body) == "422 VALIDATION_FAILED")
        }
    }

    @Test func datesComeInTheOrderOfTheirBeginnings() async throws {
        try await SaleServer.run { server in
            let client = try CatalogueClient(server)
            try open(client)
            #expect(try client.refusal("GET", "\(Self.path)/next") == "404 SCHEDULE_NOT_FOUND")
            for (id, start) in [("c", 30.0), ("past", -5), ("a", 10), ("now", -0.5), ("b", 20), ("off", 5)] {
                let more = id == "off" ? #","status":"CANCELLED""# : ""
                try client.thing("schedule", "POST", Self.path, Self.date(id, start, start + 2, more))
            }
            let (all, pages) = try client.ids("schedules", "\(Self.path)?limit=4")
            #expect(all == ["past", "now", "off", "a", "b", "c"] && pages == 2)
            let some = "from=\(Self.time(1))&to=\(Self.time(25))"
            #expect(try client.ids("schedules", "\(Self.path)?\(some)&limit=1").ids == ["off", "a", "b"])
            #expect(try client.ids("schedules", "\(Self.path)/upcoming?limit=2").ids == ["a", "b", "c"])
            #expect(try client.thing("schedule", "GET", "\(Self.path)/next")["id"] as? String == "a")
            #expect(try client.refusal("GET", "\(Self.path)?from=monday") == "422 VALIDATION_FAILED")
            #expect(try client.refusal("GET", "\(Self.path)?cursor=AAAA") == "422 VALIDATION_FAILED")
        }
    }

    @Test func sectionsAreOfADateAndSoldUntilItEnds() async throws {
        try await SaleServer.run { server in
            let client = try CatalogueClient(server)
            try open(client)
            try client.thing("pricing", "POST", "/api/v1/events/gala/pricing", #"{"base_price":1}"#)
            for (id, start) in [("friday", 5.0), ("past", -5)] {
                try client.thing("schedule", "POST", Self.path, Self.date(id, start, start + 2))
            }
            let sections = "/api/v1/events/gala/capacity"
            func body(_ id: String, _ schedule: String) -> String {
                #"{"id":"\#(id)","section_name":"S","total_capacity":9,"schedule_id":"\#(schedule)","sun":"yes"}"#
            }
            #expect(try client.refusal("POST", sections, body("x", "monday")) == "404 SCHEDULE_NOT_FOUND")
            let section = try client.thing("capacity", "POST", sections, body("a", "friday"))
            #expect(section["schedule_id"] as? String == "friday" && section["sun"] as? String == "yes")
            try client.thing("capacity", "POST", sections, body("b", "past"))
            try client.thing("capacity", "POST", sections, #"{"id":"c","section_name":"S","total_capacity":9}"#)
            try client.thing("event", "POST", "/api/v1/events/gala/publish")
            #expect(try client.ids("capacity", "\(sections)?schedule_id=friday").ids == ["a"])
            #expect(try client.ids("capacity", "\(sections)?schedule_id=monday").ids == [])
            #expect(try client.ids("capacity", "\(sections)?is_active=true&limit=2").ids == ["a", "b", "c"])
            #expect(try client.ids("capacity", "\(sections)?is_active=false").ids == [])
            #expect(try client.refusal("GET", "\(sections)?is_active=1") == "422 VALIDATION_FAILED")

            func reserve(_ id: String) throws -> LoopbackClient.Reply {
                try client.send("POST", "/api/v1/capacity/\(id)/reserve", #"{"quantity":1}"#)
            }
            let held = try reserve("a")
            #expect(held.status == 200, "\(held.body)")
            #expect(try reserve("b").body.contains("SCHEDULE_ENDED"))
            #expect(try reserve("c").status == 200)
            try client.thing("schedule", "PUT", "\(Self.path)/friday", #"{"status":"CANCELLED"}"#)
            #expect(try reserve("a").body.contains("SCHEDULE_CANCELLED"))
            let id = try #require((try CatalogueClient.json(held)["reservation"] as? [String: Any])?["id"] as? String)
            let confirm = "/api/v1/reservations/\(id)/confirm"
            let paid = #"{"payment_reference":"p"}"#
            #expect(try client.refusal("POST", confirm, paid) == "409 SCHEDULE_CANCELLED")
            // Off the date, its places are for the event as a whole; not as long as somebody has one for the date.
            let move = #"{"schedule_id":null,"sun":null}"#
            #expect(try client.refusal("PUT", "/api/v1/capacity/a", move) == "409 CAPACITY_HAS_SALES")
            #expect(try client.send("POST", "/api/v1/reservations/\(id)/release").status == 200)
            let moved = try client.thing("capacity", "PUT", "/api/v1/capacity/a", move)
            #expect(moved["schedule_id"] == nil && moved["sun"] == nil)
            #expect(try reserve("a").status == 200)
        }
    }

    /// Each date of an event may fill its venue.
    @Test func aVenueTakesItsMaximumForEachDate() async throws {
        try await SaleServer.run { server in
            let client = try CatalogueClient(server)
            try client.thing("venue", "POST", "/api/v1/venues", #"{"id":"v","name":"V","max_capacity":10}"#)
            try open(client)
            try client.thing("event", "PUT", "/api/v1/events/gala", #"{"venue_id":"v"}"#)
            for id in ["one", "two"] { try client.thing("schedule", "POST", Self.path, Self.date(id, 1, 2)) }
            for id in ["one", "two"] {
                let body = #"{"id":"\#(id)","section_name":"S","total_capacity":10,"schedule_id":"\#(id)"}"#
                try client.thing("capacity", "POST", "/api/v1/events/gala/capacity", body)
            }
            #expect(
                try client.refusal("PUT", "/api/v1/capacity/two", #"{"schedule_id":"one"}"#)
                    == "409 OVER_VENUE_CAPACITY"
            )
        }
    }

    @Test func whatIsOverIsNotPublished() async throws {
        try await SaleServer.run { server in
            let client = try CatalogueClient(server)
            let past = Self.time(-2)
            for (id, more, code) in [
                ("a", #","sales_end_at":"\#(past)""#, "409 SALES_ENDED"),
                ("b", #","starts_at":"\#(past)""#, "409 EVENT_OVER"),
            ] {
                try client.thing(
                    "event",
                    "POST",
                    "/api/v1/events",
                    #"{"id":"\#(id)","name":"E","currency":"EUR"\#(more)}"#
                )
                #expect(try client.refusal("POST", "/api/v1/events/\(id)/publish") == code)
            }
            try open(client)
            try client.thing("schedule", "POST", Self.path, Self.date("one", -3, -1))
            #expect(try client.refusal("POST", "/api/v1/events/gala/publish") == "409 EVENT_OVER")
            try client.thing("schedule", "POST", Self.path, Self.date("two", 3, 4))
            #expect(
                try client.thing("event", "POST", "/api/v1/events/gala/publish")["status"] as? String == "PUBLISHED"
            )
        }
    }

    @Test func anEventSaysWhatHasBecomeOfItsSale() async throws {
        try await SaleServer.run { server in
            let client = try CatalogueClient(server)
            func status() throws -> String? {
                try client.thing("event", "GET", "/api/v1/events/gala")["sale_status"] as? String
            }
            try open(client)
            #expect(try status() == "draft")
            try client.thing("event", "POST", "/api/v1/events/gala/publish")
            #expect(try status() == "published")
            let section = #"{"id":"a","section_name":"S","total_capacity":2}"#
            try client.thing("capacity", "POST", "/api/v1/events/gala/capacity", section)
            #expect(try status() == "on_sale")
            try client.thing("reservation", "POST", "/api/v1/capacity/a/reserve", #"{"quantity":2}"#)
            #expect(try status() == "sold_out")
            #expect(try client.refusal("DELETE", "/api/v1/events/gala") == "409 EVENT_HAS_SALES")
            try client.thing("event", "PUT", "/api/v1/events/gala", #"{"sales_end_at":"\#(Self.time(-1))"}"#)
            #expect(try status() == "closed")
            try client.thing("event", "PUT", "/api/v1/events/gala", #"{"starts_at":"\#(Self.time(-1))"}"#)
            #expect(try status() == "completed")
            let window = #"{"sales_start_at":"\#(Self.time(1))","sales_end_at":null,"starts_at":null}"#
            try client.thing("event", "PUT", "/api/v1/events/gala", window)
            #expect(try status() == "published")
            #expect(try client.refusal("POST", "/api/v1/events/gala/restore") == "409 WRONG_EVENT_STATUS")
        }
    }

    /// The names that clients of before use.
    @Test func pricingHasAnOlderName() async throws {
        try await SaleServer.run { server in
            let client = try CatalogueClient(server)
            try open(client)
            let older = "/api/v1/events/gala/ticket-types"
            let tier = try client.thing("pricing", "POST", older, #"{"base_price":50,"color":"red"}"#)
            let id = try #require(tier["id"] as? String)
            #expect(tier["color"] as? String == "red")
            #expect(try client.ids("pricing", older).ids == [id])
            #expect(try client.ids("pricing", "\(older)/active").ids == [id])
            let changed = try client.thing("pricing", "PUT", "/api/v1/ticket-types/\(id)", #"{"color":null,"size":1}"#)
            #expect(changed["color"] == nil && changed["size"] as? Int == 1)
            let price = try client.send("POST", "/api/v1/ticket-types/\(id)/calculate", #"{"quantity":2}"#)
            #expect(price.status == 200 && price.body.contains(#""total":100.00"#), "\(price.body)")
        }
    }
}
