import Foundation
import Testing

@testable import Server

/// What happened, as a stream that goes on where it was interrupted.
@Suite(.serialized, .timeLimit(.minutes(1))) struct FeedStreamTests {
    private func feed(_ server: SaleServer, _ query: String = "", after id: String? = nil) throws -> EventStream {
        let resume = id.map { "Last-Event-ID: \($0)\r\n" } ?? ""
        return try EventStream(server, "/api/v1/feed\(query)", fields: "Accept: text/event-stream\r\n\(resume)")
    }

    /// A reservation, and a sale of it that locks its price first: two entries of one position.
    private func buy(_ server: SaleServer, _ event: String) throws {
        let client = try server.connect()
        let reserved = try client.post("/api/v1/capacity/\(event)/reserve", #"{"quantity":1}"#)
        guard let start = reserved.body.range(of: "rsv_") else { throw TestFailure(reserved.body) }
        let id = reserved.body[start.lowerBound...].prefix { $0 != "\"" }
        let sold = try client.post("/api/v1/reservations/\(id)/confirm", #"{"payment_reference":"p"}"#)
        guard sold.status == 200 else { throw TestFailure(sold.body) }
    }

    /// What there is until nothing more comes.
    private func readAll(_ stream: EventStream) throws -> [EventStream.Event] {
        var events = [try stream.some()]
        while stream.hasMore || !stream.client.isSilent(milliseconds: 300) { events.append(try stream.some()) }
        return events
    }

    @Test(arguments: [1, 2])
    func everythingIsToldInTheOrderOfTheLog(_ shards: Int) async throws {
        try await SaleServer.run(shards: shards) { server in
            try server.putOnSale("gala", places: 9)
            try buy(server, "gala")
            let stream = try feed(server)
            #expect(stream.isStream && stream.head.status == 200)
            let before = try readAll(stream)
            #expect(
                before.prefix(5).map(\.name) == [
                    "event.created", "pricing.created", "capacity.created", "event.published", "reservation.created",
                ]
            )
            #expect(before.contains { $0.name == "order.created" })
            var positions: [Int] = []
            for event in before {
                let entry = try event.json()
                #expect(entry["action"] as? String == event.name)
                #expect(entry["event_id"] as? String == "gala")
                positions.append(try #require(entry["position"] as? Int))
            }
            #expect(positions == positions.sorted())
            // Of several entries the last has the position alone.
            for (index, event) in before.enumerated() {
                let count = positions[...index].count { $0 == positions[index] }
                let isLast = index + 1 == before.count || positions[index + 1] != positions[index]
                #expect(event.id == (isLast ? "\(positions[index])" : "\(positions[index])-\(count)"))
            }
            #expect(Set(positions).count < positions.count, "no command had several entries")
            try server.reserve("gala")
            #expect(try stream.some().id == "\(positions.last! + 1)")
        }
    }

    /// From every place that a client can have been interrupted at, also across a start.
    @Test func whoComesBackMissesNothingAndHearsNothingTwice() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let all = try await SaleServer.run(folder: folder, shards: 2) { server in
            try server.putOnSale("gala", places: 9)
            for _ in 0..<2 { try buy(server, "gala") }
            return try readAll(try feed(server))
        }
        try await SaleServer.run(folder: folder, shards: 1) { server in
            for (index, event) in all.enumerated() {
                let stream = try feed(server, after: event.id)
                for expected in all[(index + 1)...] { #expect(try stream.some() == expected) }
                #expect(stream.client.isSilent(milliseconds: 5))
            }
            let last = try feed(server, after: all.last!.id)
            let counted = try feed(server, "?after=5")
            try buy(server, "gala")
            #expect(try last.some().name == "reservation.created")
            #expect(try counted.some() == all[5])
        }
    }

    @Test func anotherTenantHearsNothingOfIt() async throws {
        try await SaleServer.run(shards: 2) { server in
            try server.putOnSale("gala")
            let fields = "Accept: text/event-stream\r\nX-Tenant-Id: other\r\n"
            let stream = try EventStream(server, "/api/v1/feed", fields: fields)
            #expect(stream.isStream)
            try server.reserve("gala")
            #expect(stream.client.isSilent(milliseconds: 300))
        }
    }

    @Test(arguments: ["x", "-", "1-", "0-1", "1-0", "01", "18446744073709551616", "1-1-1", "99999999"])
    func anIdThatIsNoneIsRefused(_ id: String) async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            try client.send(
                "GET /api/v1/feed HTTP/1.1\r\nHost: test\r\nAccept: text/event-stream\r\nLast-Event-ID: \(id)\r\n\r\n"
            )
            let reply = try client.next()
            #expect(reply.status == 422)
            #expect(reply.body.contains("VALIDATION_FAILED"))
            try await server.streams(are: 0)
        }
    }

    /// Nothing is left out for a client that reads slowly: it waits for itself.
    @Test func whoIsSlowGetsEverything() async throws {
        try await SaleServer.run(shards: 2) { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            let line = #"{"op":"reserve","capacity_id":"gala","quantity":1}"#
            for _ in 0..<3 { _ = try client.batch(Array(repeating: line, count: 1_000)) }
            let resume = "Accept: text/event-stream\r\nLast-Event-ID: 4\r\n"
            let slow = try EventStream(server, "/api/v1/feed", fields: resume, receiveBufferBytes: 4_096)
            try await Task.sleep(for: .milliseconds(300))
            for position in 5...3_004 { #expect(try slow.some().id == "\(position)") }
        }
    }

    @Test func listenersShareThePlaces() async throws {
        try await SaleServer.run(shards: 2) { server in
            try server.putOnSale("gala")
            let streams = try (0..<50).map { _ in try feed(server, after: "4") }
            for _ in 0..<20 { try server.reserve("gala") }
            for stream in streams {
                for position in 5...24 { #expect(try stream.some().id == "\(position)") }
            }
            try await server.streams(are: 50)
        }
    }

    @Test func oneMoreThanTheLimitIsRefused() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            var streams = try (0..<FeedStreams.listenersMax).map { _ in try feed(server, after: "4") }
            let refused = try feed(server, after: "4")
            #expect(refused.head.status == 503)
            #expect(refused.head.body.contains("TOO_MANY_STREAMS"))
            // There are places for others.
            #expect(try server.stream("gala").some().name == "state")
            streams.removeAll()
            try await server.streams(are: 0)
            #expect(try feed(server).some().id == "1")
        }
    }

    @Test func headIsTheHeadAlone() async throws {
        try await SaleServer.run { server in
            let client = try server.connect()
            try client.send("HEAD /api/v1/feed HTTP/1.1\r\nHost: test\r\nAccept: text/event-stream\r\n\r\n")
            let head = try client.receive(hasBody: false)
            #expect(head?.status == 200)
            #expect(head?.headers["content-type"] == "text/event-stream")
            #expect(try client.get("/health").status == 200)
        }
    }

    /// What the client is told when the log has let go of what comes next: at the beginning as an answer, later as the
    /// last event.
    @Test func aPlaceThatIsGoneIsSaid() throws {
        let problem = Problem.positionGone(oldest: 4_711)
        #expect(problem.status == .gone)
        func text(_ chunk: StreamChunk) -> String {
            withExtendedLifetime(chunk) { String(decoding: chunk.bytes(isChunked: false), as: UTF8.self) }
        }
        #expect(
            text(.feedEnd(problem)) == "event: gone\ndata: {\"code\":\"POSITION_GONE\",\"oldest_position\":4711}\n\n"
        )
        #expect(text(.feedPlace(7)) == "id: 7\n\n")
    }

    /// A place in the log is one text, and a text one place.
    @Test func idsSayHowFarAClientHasGot() throws {
        func place(_ text: String) -> FeedPlace? { Array(text.utf8).withUnsafeBytes { FeedPlace(id: $0) } }
        #expect(place("0") == FeedPlace(after: 0))
        #expect(place("4711") == FeedPlace(after: 4_711))
        let within = try #require(place("4711-2"))
        #expect(within.after == 4_710 && within.entries == 2)
        var bytes = ByteWriter()
        let entries = Array(
            "{\"actor\":\"a,\\\"action\\\":\\\"x\",\"action\":\"b.c\"}\n{\"a\":1,\"action\":\"d\"}\n".utf8
        )
        bytes.feedEvents(FeedPage.Rendered(position: 7, entries: entries), behind: 0)
        let text = bytes.withBytes { String(decoding: $0, as: UTF8.self) }
        #expect(text.hasPrefix("id: 7-1\nevent: b.c\ndata: {\"actor\""))
        #expect(text.hasSuffix("\n\nid: 7\nevent: d\ndata: {\"a\":1,\"action\":\"d\"}\n\n"))
    }
}
