import Testing

@testable import Engine
@testable import Server

/// An event's stock as one answer.
@Suite(.serialized, .timeLimit(.minutes(1))) struct AvailabilityTests {
    @Test func everySectionIsTold() async throws {
        try await SaleServer.run(shards: 2) { server in
            try server.putOnSale("gala", places: 4)
            try server.addSections("gala", ["box"], places: 0)
            try server.reserve("gala", places: 3)
            let reply = try server.connect().get("/api/v1/events/gala/availability")
            #expect(
                reply.body == """
                    {"availability":{"event_id":"gala","sections":[\
                    {"id":"gala","available":1,"reserved":3,"sold":0,"total":4,"buffer":0,"sold_out":false},\
                    {"id":"box","available":0,"reserved":0,"sold":0,"total":0,"buffer":0,"sold_out":true}]},\
                    "next_cursor":null}
                    """
            )
        }
    }

    /// Everything held is not sold out: it may come back.
    @Test func soldOutIsWhatCannotComeBack() {
        func section(_ reserved: UInt32, _ sold: UInt32) -> SectionAvailability {
            let counts = SectionCounts(total: 10, buffer: 2, reserved: reserved, sold: sold)
            return SectionAvailability(number: 0, id: "a", counts: counts)
        }
        #expect(!section(8, 0).isSoldOut)
        #expect(!section(0, 7).isSoldOut)
        #expect(section(0, 8).isSoldOut)
    }

    @Test func anUnchangedStateIsNotSentAgain() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            let path = "/api/v1/events/gala/availability"
            let client = try server.connect()
            let tag = try #require(try client.get(path).headers["etag"])
            let known = "GET \(path) HTTP/1.1\r\nHost: test\r\nIf-None-Match: \(tag)\r\n\r\n"
            try client.send(known)
            #expect(try client.receive(hasBody: false)?.status == 304)
            try server.reserve("gala")
            try client.send(known)
            let changed = try client.next()
            #expect(changed.status == 200)
            #expect(changed.headers["etag"] != tag)
        }
    }

    @Test func manySectionsComeInPages() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            try server.addSections("gala", (0..<6).map { "s\($0)" })
            let client = try server.connect()
            var path = "/api/v1/events/gala/availability?limit=3"
            var ids: [String] = []
            for page in 0..<3 {
                let reply = try client.get(path)
                let found = reply.body.split(separator: "{\"id\":\"").dropFirst()
                #expect(found.count == (page < 2 ? 3 : 1))
                ids += found.map { String($0.prefix { $0 != "\"" }) }
                let link = reply.headers["link"]
                #expect((link == nil) == (page == 2))
                path = String((link ?? "<").dropFirst().prefix { $0 != ">" })
            }
            #expect(ids == ["gala", "s0", "s1", "s2", "s3", "s4", "s5"])
        }
    }

    @Test(arguments: [
        ("?limit=0", 422, "VALIDATION_FAILED"), ("?limit=1001", 422, "VALIDATION_FAILED"),
        ("?cursor=%21", 422, "VALIDATION_FAILED"),
    ])
    func aPageThatIsNoneIsRefused(_ query: String, _ status: Int, _ code: String) async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            let reply = try server.connect().get("/api/v1/events/gala/availability\(query)")
            #expect(reply.status == status)
            #expect(reply.body.contains("\"code\":\"\(code)\""))
        }
    }

    @Test(arguments: ["", "/stream"])
    func anotherTenantsEventIsNotThere(_ route: String) async throws {
        try await SaleServer.run(shards: 2) { server in
            try server.putOnSale("gala")
            let path = "/api/v1/events/gala/availability\(route)"
            // Also while somebody who may listens.
            let stream = try server.stream("gala")
            _ = try stream.some()
            for fields in ["X-Tenant-Id: other\r\n", "X-Tenant-Id: other\r\nAccept: text/event-stream\r\n"] {
                let client = try server.connect()
                try client.send("GET \(path) HTTP/1.1\r\nHost: test\r\n\(fields)\r\n")
                let reply = try client.next()
                #expect(reply.status == 404)
                #expect(reply.body.contains("EVENT_NOT_FOUND"))
            }
            let missing = try server.connect().get("/api/v1/events/nothing/availability\(route)")
            #expect(missing.status == 404)
            try await server.streams(are: 1)
        }
    }

    @Test func headIsTheHeadAlone() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            try client.send("HEAD /api/v1/events/gala/availability/stream HTTP/1.1\r\nHost: test\r\n\r\n")
            let head = try client.receive(hasBody: false)
            #expect(head?.status == 200)
            #expect(head?.headers["content-type"] == "text/event-stream")
            try client.send("HEAD /api/v1/events/gala/availability HTTP/1.1\r\nHost: test\r\n\r\n")
            let length = try client.receive(hasBody: false)?.headers["content-length"]
            let whole = try client.get("/api/v1/events/gala/availability")
            #expect(length == "\(whole.body.utf8.count)")
            #expect(server.operations.streams.taken == 0)
        }
    }

    @Test(arguments: [
        ("text/event-stream", true), ("application/json, text/event-stream;q=0.5", true),
        ("TEXT/Event-Stream ; charset=utf-8", true), ("*/*", false), ("text/*", false), ("", false),
        ("text/event-streams", false), ("application/json", false),
    ])
    func aStreamIsAskedForByItsName(_ accept: String, _ isStream: Bool) throws {
        let request = TestRequest("GET", "/api/v1/events/show/availability", fields: [("Accept", accept)])
        let routed = try request.route()
        if case .availabilityStream = routed { #expect(isStream) } else { #expect(!isStream) }
    }
}
