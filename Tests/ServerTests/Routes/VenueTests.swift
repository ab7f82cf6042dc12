import Foundation
import Testing

@testable import Engine
@testable import Server

/// Venues over a socket: every route and every refusal, retries, and a restart in between.
@Suite struct VenueTests {
    private static let arena = #"{"id":"arena","name":"Arena","max_capacity":100,"city":"Ulm","roof":{"open": true}}"#

    @Test func aVenueIsKeptAsItCame() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = try await SaleServer.run(folder: folder, shards: 2) { server in
            let client = try CatalogueClient(server)
            #expect(try client.send("GET", "/api/v1/venues").body == #"{"venues":[],"next_cursor":null}"#)
            #expect(try client.refusal("GET", "/api/v1/venues/arena") == "404 VENUE_NOT_FOUND")
            #expect(try client.refusal("PUT", "/api/v1/venues/arena", "{}") == "404 VENUE_NOT_FOUND")
            let created = try client.send("POST", "/api/v1/venues", Self.arena, key: "one")
            #expect(created.status == 201)
            #expect(created.headers["location"] == "/api/v1/venues/arena")
            #expect(created.body.contains(#""roof":{"open": true}"#))
            let changed = try client.send(
                "PUT",
                "/api/v1/venues/arena",
                #"{"max_capacity":90,"city":null,"roof":null,"seats":"red"}"#,
                ifMatch: created.headers["etag"]
            )
            #expect(changed.status == 200, "\(changed.body)")
            return created
        }
        try await SaleServer.run(folder: folder) { server in
            let client = try CatalogueClient(server)
            // The retry hears what the venue was when it was made.
            #expect(try client.send("POST", "/api/v1/venues", Self.arena, key: "one").body == first.body)
            #expect(try client.refusal("POST", "/api/v1/venues", Self.arena) == "409 VENUE_EXISTS")
            let venue = try client.thing("venue", "GET", "/api/v1/venues/arena")
            #expect(venue["max_capacity"] as? Int == 90)
            #expect(venue["city"] is NSNull && venue["roof"] == nil && venue["seats"] as? String == "red")
            #expect(venue["version"] as? Int == 2)
            // It is nobody's event, and no other tenant's venue.
            #expect(try client.ids("events", "/api/v1/events").ids == [])
            #expect(try client.refusal("GET", "/api/v1/venues/arena", tenant: "other") == "404 VENUE_NOT_FOUND")
            #expect(try client.ids("venues", "/api/v1/venues", tenant: "other").ids == [])
        }
    }

    @Test func venuesComeInTheOrderOfTheirIDs() async throws {
        try await SaleServer.run { server in
            let client = try CatalogueClient(server)
            let names = ["m", "b", "z", "a", "q"]
            for name in names {
                try client.thing("venue", "POST", "/api/v1/venues", #"{"id":"\#(name)","name":"V","max_capacity":1}"#)
            }
            let unnamed = try client.thing("venue", "POST", "/api/v1/venues", #"{"name":"V","max_capacity":1}"#)
            let made = try #require(unnamed["id"] as? String)
            #expect(made.hasPrefix("ven_"))
            let (ids, pages) = try client.ids("venues", "/api/v1/venues?limit=2")
            #expect(ids == (names + [made]).sorted())
            #expect(pages == 3)
        }
    }

    @Test(arguments: [
        ("{}", 422, "VALIDATION_FAILED"), (#"{"name":"A","max_capacity":0}"#, 422, "VALIDATION_FAILED"),
        (#"{"name":"A","max_capacity":1000000001}"#, 422, "VALIDATION_FAILED"),
        (#"{"name":"","max_capacity":1}"#, 422, "VALIDATION_FAILED"),
        (#"{"name":"A","max_capacity":1,"city":7}"#, 422, "VALIDATION_FAILED"),
        (#"{"name":"A","max_capacity":1,"id":"a b"}"#, 422, "VALIDATION_FAILED"),
        (#"{"name":"A","name":"B","max_capacity":1}"#, 400, "MALFORMED_BODY"),
    ])
    func aVenueHasToBeOne(_ body: String, _ status: Int, _ code: String) async throws {
        try await SaleServer.run { server in
            let client = try CatalogueClient(server)
            #expect(try client.refusal("POST", "/api/v1/venues", body) == "\(status) \(code)")
            let large = #"{"name":"A","max_capacity":1,"x":"\#(String(repeating: "x", count: 5_000))"}"#
            #expect(try client.refusal("POST", "/api/v1/venues", large) == "422 VALIDATION_FAILED")
        }
    }

    /// The venue is one shard's, its events are others'.
    @Test(arguments: [1, 3])
    func sectionsDoNotOutgrowTheirVenue(_ shards: Int) async throws {
        try await SaleServer.run(shards: shards) { server in
            let client = try CatalogueClient(server)
            let event = #"{"id":"gala","name":"Gala","currency":"EUR","venue_id":"arena"}"#
            #expect(try client.refusal("POST", "/api/v1/events", event) == "404 VENUE_NOT_FOUND")
            try client.thing("venue", "POST", "/api/v1/venues", Self.arena)
            #expect(try client.refusal("POST", "/api/v1/events", event, tenant: "other") == "404 VENUE_NOT_FOUND")
            #expect(try client.thing("event", "POST", "/api/v1/events", event)["venue_id"] as? String == "arena")
            let sections = "/api/v1/events/gala/capacity"
            try client.thing("capacity", "POST", sections, #"{"id":"a","section_name":"A","total_capacity":60}"#)
            let reply = try client.send("POST", sections, #"{"id":"b","section_name":"B","total_capacity":41}"#)
            #expect(reply.status == 409)
            for word in ["OVER_VENUE_CAPACITY", "41 places", "60 of", "100 in all"] {
                #expect(reply.body.contains(word), "\(reply.body)")
            }
            try client.thing("capacity", "POST", sections, #"{"id":"b","section_name":"B","total_capacity":40}"#)
            let rows = #"{"rows":[{"label":"A","from":1,"to":41}]}"#
            #expect(try client.refusal("POST", "/api/v1/capacity/b/seats", rows) == "409 OVER_VENUE_CAPACITY")
            #expect(
                try client.refusal("PUT", "/api/v1/capacity/a", #"{"total_capacity":61}"#)
                    == "409 OVER_VENUE_CAPACITY"
            )
            // Lowered, it binds growth only.
            try client.thing("venue", "PUT", "/api/v1/venues/arena", #"{"max_capacity":50}"#)
            try client.thing("capacity", "PUT", "/api/v1/capacity/a", #"{"section_name":"Stalls"}"#)
            try client.thing("capacity", "PUT", "/api/v1/capacity/a", #"{"total_capacity":59}"#)
            #expect(
                try client.refusal("PUT", "/api/v1/capacity/a", #"{"total_capacity":60}"#)
                    == "409 OVER_VENUE_CAPACITY"
            )
            try client.thing("venue", "POST", "/api/v1/venues", #"{"id":"shed","name":"Shed","max_capacity":10}"#)
            #expect(
                try client.refusal("PUT", "/api/v1/events/gala", #"{"venue_id":"shed"}"#) == "409 OVER_VENUE_CAPACITY"
            )
            try client.thing("event", "PUT", "/api/v1/events/gala", #"{"venue_id":null}"#)
            try client.thing("capacity", "PUT", "/api/v1/capacity/a", #"{"total_capacity":6000}"#)
        }
    }

    /// What has no date takes place on every one.
    @Test func sectionsWithoutADateCountOnEach() async throws {
        try await SaleServer.run { server in
            let client = try CatalogueClient(server)
            try client.thing("venue", "POST", "/api/v1/venues", Self.arena)
            let event = #"{"id":"gala","name":"Gala","currency":"EUR","venue_id":"arena"}"#
            try client.thing("event", "POST", "/api/v1/events", event)
            for (id, day) in [("fri", 20), ("sat", 21)] {
                let date =
                    #"{"id":"\#(id)","starts_at":"2030-11-\#(day)T20:00:00Z","ends_at":"2030-11-\#(day)T23:00:00Z"}"#
                try client.thing("schedule", "POST", "/api/v1/events/gala/schedules", date)
            }
            let sections = "/api/v1/events/gala/capacity"
            func section(_ id: String, _ total: Int, _ date: String?) -> String {
                let date = date.map { #","schedule_id":"\#($0)""# } ?? ""
                return #"{"id":"\#(id)","section_name":"S","total_capacity":\#(total)\#(date)}"#
            }
            try client.thing("capacity", "POST", sections, section("a", 60, nil))
            try client.thing("capacity", "POST", sections, section("b", 40, "fri"))
            let reply = try client.send("POST", sections, section("c", 41, "sat"))
            #expect(reply.status == 409)
            let problem = try CatalogueClient.json(reply)
            #expect(problem["code"] as? String == "OVER_VENUE_CAPACITY")
            let numbers = ["asked", "others", "maximum"].map { problem[$0] as? Int }
            #expect(numbers == [41, 60, 100])
            try client.thing("capacity", "POST", sections, section("c", 40, "sat"))
            #expect(try client.refusal("POST", sections, section("d", 1, nil)) == "409 OVER_VENUE_CAPACITY")
            // On a date it takes places from fewer; then the other date has room.
            try client.thing("capacity", "PUT", "/api/v1/capacity/a", #"{"schedule_id":"fri"}"#)
            try client.thing("capacity", "POST", sections, section("d", 60, "sat"))
            #expect(
                try client.refusal("PUT", "/api/v1/capacity/d", #"{"schedule_id":null}"#) == "409 OVER_VENUE_CAPACITY"
            )
        }
    }

    @Test func aChangeIsForAVersion() async throws {
        try await SaleServer.run { server in
            let client = try CatalogueClient(server)
            try client.thing("venue", "POST", "/api/v1/venues", Self.arena)
            let path = "/api/v1/venues/arena"
            #expect(try client.refusal("PUT", path, "{}", ifMatch: "\"7\"") == "412 VENUE_CHANGED")
            #expect(try client.refusal("PUT", path, "{}", ifMatch: "\"x\"") == "412 PRECONDITION_FAILED")
            #expect(try client.refusal("PUT", path, #"{"id":"other"}"#) == "404 VENUE_NOT_FOUND")
            try client.client.send("GET \(path) HTTP/1.1\r\nHost: test\r\nIf-None-Match: \"1\"\r\n\r\n")
            #expect(try client.client.receive(hasBody: false)?.status == 304)
        }
    }
}
