import Testing

@testable import Server

/// What a stream does to its connection, and a client to its stream.
@Suite(.serialized, .timeLimit(.minutes(1))) struct StreamConnectionTests {
    private static let path = "/api/v1/events/gala/availability/stream"
    private static let request = "GET \(path) HTTP/1.1\r\nHost: test\r\n\r\n"

    @Test func nothingBehindAStreamIsExecuted() async throws {
        try await SaleServer.run(shards: 2) { server in
            try server.putOnSale("gala", places: 100)
            for _ in 0..<2 {
                let client = try server.connect()
                let before = "GET /health HTTP/1.1\r\nHost: test\r\n\r\n"
                let behind =
                    "POST /api/v1/capacity/gala/reserve HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
                    + "Content-Length: 14\r\n\r\n{\"quantity\":1}"
                try client.send(before + Self.request + behind)
                #expect(try client.next().body == #"{"status":"alive"}"#)
                let stream = try EventStream(client)
                #expect(try stream.some().available() == ["gala": 100])
                try client.send(behind)
                #expect(client.isSilent(milliseconds: 400))
            }
        }
    }

    @Test func aRefusedStreamIsTheLastAnswerAsWell() async throws {
        try await SaleServer.run { server in
            let client = try server.connect()
            try client.send(Self.request + "GET /health HTTP/1.1\r\nHost: test\r\n\r\n")
            let reply = try client.next()
            #expect(reply.status == 404)
            #expect(reply.headers["connection"] == "close")
            #expect(try client.isClosedByServer())
            try await server.streams(are: 0)
        }
    }

    @Test func oneMoreThanTheLimitIsRefused() async throws {
        try await SaleServer.run(shards: 2, streamsMax: 2) { server in
            try server.putOnSale("gala")
            var streams = [try server.stream("gala"), try server.stream("gala")]
            let client = try server.connect()
            try client.send(Self.request)
            let refusal = try client.next()
            #expect(refusal.status == 503)
            #expect(refusal.body.contains("\"code\":\"TOO_MANY_STREAMS\""))
            #expect(refusal.headers["retry-after"] == "10")
            #expect(try client.get("/health").status == 200)
            _ = streams.popLast()
            try await server.streams(are: 1)
            #expect(try server.stream("gala").some().name == "state")
        }
    }

    @Test func aSilentStreamLivesAndSaysSo() async throws {
        var limits = ConnectionLimits()
        limits.timeoutCheckIntervalMs = 20
        limits.idleTimeoutMs = 100
        limits.requestTimeoutMs = 100
        limits.writeStallTimeoutMs = 100
        limits.streamHeartbeatMs = 60
        try await SaleServer.run(limits: limits) { server in
            try server.putOnSale("gala", places: 9)
            let stream = try server.stream("gala")
            _ = try stream.some()
            try await Task.sleep(for: .milliseconds(800))
            try server.reserve("gala")
            #expect(try stream.some().available() == ["gala": 8])
            #expect(stream.heartbeats >= 4)
        }
    }

    @Test func aClientThatHasGoneIsLetGoOf() async throws {
        try await SaleServer.run(shards: 2) { server in
            try server.putOnSale("gala")
            for _ in 0..<3 {
                var streams = try (0..<10).map { _ in try server.stream("gala") }
                // Some say that they have nothing more to ask, the others are just gone.
                for stream in streams[..<5] { stream.client.endSending() }
                for stream in streams[..<5] {
                    while try stream.next() != nil {}
                    #expect(stream.hasEnded)
                }
                streams.removeAll()
                try await server.streams(are: 0)
            }
        }
    }

    /// A client that does not read for a while misses what was in between, and gets the newest state.
    @Test func whoIsSlowIsSkippedForward() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala", places: 1_000)
            let long = String(repeating: "x", count: 58)
            try server.addSections("gala", (0..<800).map { "\(long)\($0)" })
            let slow = try EventStream(server, Self.path, receiveBufferBytes: 4_096)
            let quick = try server.stream("gala")
            _ = try quick.some()
            for taken in 1...6 {
                try server.reserve("gala")
                _ = try quick.read(until: "gala", has: 1_000 - taken)
            }
            let first = try slow.some()
            #expect(first.name == "state")
            #expect(try first.available()["gala"] == 1_000)
            let second = try slow.some()
            #expect(second.name == "state")
            #expect(try second.available()["gala"] == 994)
            #expect(try second.available().count == 801)
            try server.reserve("gala")
            let third = try slow.some()
            #expect(third.name == "change")
            #expect(try third.available() == ["gala": 993])
        }
    }

    /// Each keeps the state of its own moment: together they may keep no more than there is room for.
    @Test func whoKeepsMostForTheLongestTimeIsClosed() async throws {
        var limits = ConnectionLimits()
        limits.streamBytesMax = 400_000
        try await SaleServer.run(limits: limits) { server in
            try server.putOnSale("gala", places: 1_000)
            let long = String(repeating: "x", count: 58)
            try server.addSections("gala", (0..<800).map { "\(long)\($0)" })
            let quick = try server.stream("gala")
            _ = try quick.some()
            var slow: [EventStream] = []
            for taken in 1...8 {
                // Its head has come: the state is on its way, and is read no further.
                slow.append(try EventStream(server, Self.path, receiveBufferBytes: 4_096))
                try server.reserve("gala")
                _ = try quick.read(until: "gala", has: 1_000 - taken)
            }
            try await server.streams { $0.closed > 0 && $0.bytes <= 400_000 }
            let state = server.operations.streamMemory
            #expect((4...7).contains(state.closedStreams), "\(state.closedStreams) closed")
            try await server.streams(are: 9 - Int(state.closedStreams))
            // Those that came last are still served, the first is gone.
            #expect(try slow[7].some().name == "state")
            let first = slow[0]
            #expect(throws: (any Error).self) { while true { _ = try first.some() } }
            try server.reserve("gala")
            #expect(try quick.some().available() == ["gala": 991])
        }
    }

    @Test func aPacedQueueGivesAllInTheirOrderAndSoManyATime() {
        var queue = PacedQueue<Int>()
        for number in 0..<150 { queue.add(number) }
        #expect(Array(queue.take(64)) == Array(0..<64))
        queue.add(150)
        #expect(Array(queue.take(64)) == Array(64..<128))
        #expect(!queue.isEmpty)
        #expect(Array(queue.take(64)) == Array(128...150))
        #expect(queue.isEmpty && queue.take(64).isEmpty)
    }

    /// Streams that began together are silent together: they are told so over several turns.
    @Test func manySilentStreamsAreAllToldThatTheyLive() async throws {
        var limits = ConnectionLimits()
        limits.timeoutCheckIntervalMs = 20
        limits.streamHeartbeatMs = 60
        try await SaleServer.run(limits: limits) { server in
            try server.putOnSale("gala", places: 1_000)
            let streams = try (0..<150).map { _ in try server.stream("gala") }
            for stream in streams { _ = try stream.some() }
            try await Task.sleep(for: .milliseconds(600))
            try server.reserve("gala")
            for stream in streams {
                #expect(try stream.some().available() == ["gala": 999])
                #expect(stream.heartbeats >= 2)
            }
        }
    }

    @Test func whoDoesNotReadAtAllIsClosed() async throws {
        var limits = ConnectionLimits()
        limits.timeoutCheckIntervalMs = 50
        limits.writeStallTimeoutMs = 300
        try await SaleServer.run(limits: limits) { server in
            try server.putOnSale("gala")
            let long = String(repeating: "x", count: 58)
            try server.addSections("gala", (0..<800).map { "\(long)\($0)" })
            let client = try server.connect(receiveBufferBytes: 4_096)
            try client.send(Self.request)
            try await server.streams(are: 1)
            try await server.streams(are: 0)
        }
    }

    /// Streams that were asked for and not begun, and those that are, end with the server.
    @Test func aStopEndsStreams() async throws {
        let device = GatedDevice()
        let (begun, awaited) = try await SaleServer.run(device: device) { server in
            try server.putOnSale("gala", places: 50)
            let begun = try server.stream("gala")
            _ = try begun.some()
            let other = try server.connect()
            _ = try other.post("/api/v1/events", #"{"id":"new","name":"N","currency":"EUR"}"#)
            device.close()
            try other.sendPost("/api/v1/events/new/capacity", #"{"section_name":"S","total_capacity":1}"#)
            let awaited = try server.connect()
            try awaited.send("GET /api/v1/events/new/availability/stream HTTP/1.1\r\nHost: test\r\n\r\n")
            #expect(awaited.isSilent(milliseconds: 200))
            Task.detached {
                try await Task.sleep(for: .milliseconds(300))
                device.open()
            }
            return (begun, awaited)
        }
        #expect(try begun.next() == nil)
        #expect(begun.hasEnded)
        let late = try EventStream(awaited)
        while try late.next() != nil {}
        #expect(late.hasEnded)
    }
}
