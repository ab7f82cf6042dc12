import Foundation
import Testing

@testable import Engine
@testable import Server

/// The list of events over a socket: pages, filters, and what is left out.
@Suite struct EventListTests {
    private func create(_ client: CatalogueClient, _ id: String, _ more: String = "", tenant: String? = nil) throws {
        let body = #"{"id":"\#(id)","name":"Event \#(id)","currency":"EUR"\#(more)}"#
        try client.thing("event", "POST", "/api/v1/events", body, tenant: tenant)
    }

    @Test(arguments: [1, 3])
    func pagesShowEveryEventOnce(_ shards: Int) async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ids = (0..<23).map { "e\($0 * 7 % 23)" }
        try await SaleServer.run(folder: folder, shards: shards) { server in
            let client = try CatalogueClient(server)
            for id in ids { try create(client, id) }
            for id in ["e1", "x"] { try create(client, id, tenant: "other") }
            let (found, pages) = try client.ids("events", "/api/v1/events?limit=5")
            #expect(found == ids.sorted())
            #expect(pages == 5)
            #expect(try client.ids("events", "/api/v1/events", tenant: "other").ids == ["e1", "x"])
            #expect(try client.ids("events", "/api/v1/events", tenant: "nobody").ids == [])
        }
        try await SaleServer.run(folder: folder, shards: 2) { server in
            let client = try CatalogueClient(server)
            #expect(try client.ids("events", "/api/v1/events?limit=7").ids == ids.sorted())
        }
    }

    @Test func filtersChooseAndPagesGoOn() async throws {
        try await SaleServer.run(shards: 2) { server in
            let client = try CatalogueClient(server)
            try client.thing("venue", "POST", "/api/v1/venues", #"{"id":"v","name":"V","max_capacity":10}"#)
            for number in 0..<9 {
                var more = #","starts_at":"2030-01-0\#(number + 1)T20:00:00Z""#
                if number % 3 == 0 { more += #","venue_id":"v""# }
                try create(client, "e\(number)", more)
            }
            try create(client, "never")
            for id in ["e1", "e2"] { try client.thing("event", "POST", "/api/v1/events/\(id)/publish") }
            #expect(try client.send("DELETE", "/api/v1/events/e5").status == 204)

            func ids(_ query: String) throws -> [String] { try client.ids("events", "/api/v1/events?\(query)").ids }
            #expect(try ids("status=PUBLISHED&limit=1") == ["e1", "e2"])
            #expect(try ids("status=CANCELLED") == ["e5"])
            #expect(try !ids("limit=3").contains("e5"))
            #expect(try ids("venue_id=v&limit=2") == ["e0", "e3", "e6"])
            #expect(try ids("venue_id=nowhere") == [])
            #expect(try ids("starts_after=2030-01-06T20:00:00Z") == ["e6", "e7", "e8"])
            #expect(try ids("starts_before=2030-01-02T21:00:00%2B01:00") == ["e0"])
            #expect(try ids("q=EVENT%20e7&limit=1") == ["e7"])
            #expect(try ids("q=event&venue_id=v&starts_before=2030-01-05T00:00:00Z&limit=1") == ["e0", "e3"])
            for wrong in ["status=published", "starts_after=now", "q=", "limit=0", "cursor=!"] {
                let refusal = try client.refusal("GET", "/api/v1/events?\(wrong)")
                #expect(refusal == "422 VALIDATION_FAILED", "\(wrong)")
            }
        }
    }
}
