import Synchronization
import Testing

@testable import Server

private func get(_ target: String, _ fields: String = "") -> String {
    "GET \(target) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
}

@Suite(.serialized, .timeLimit(.minutes(2))) struct ConnectionTests {
    @Test func aRequestMayArriveByteByByte() async throws {
        try await EchoServer.run { server in
            let client = try server.connect()
            for byte in "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" {
                try client.send(String(byte))
                if byte == "\r" { try await Task.sleep(for: .milliseconds(2)) }
            }
            let reply = try client.receive()
            #expect(reply?.body == "/a hello")
            #expect(reply?.headers["connection"] == nil)
            try client.send("HEAD /b HTTP/1.1\r\nHost: a\r\n\r\n" + get("/c"))
            let head = try client.receive(hasBody: false)
            #expect(head?.headers["content-length"] == "3")
            #expect(try client.receive()?.body == "/c ")
        }
    }

    @Test func manyRequestsMayBeSentAtOnce() async throws {
        try await EchoServer.run { server in
            let client = try server.connect()
            try client.send((0..<1_000).map { get("/\($0)") }.joined())
            for number in 0..<1_000 { #expect(try client.receive()?.body == "/\(number) ") }
        }
    }

    @Test func answersThatOvertakeEachOtherLeaveInOrder() async throws {
        try await EchoServer.run { server in
            let client = try server.connect()
            try client.send(get("/hold/1") + get("/hold/2") + get("/3") + get("/hold/4"))
            #expect(client.isSilent(milliseconds: 50))
            try client.send(get("/release") + get("/5"))
            for body in ["/hold/1", "/hold/2", "/3 ", "/hold/4", "/release ", "/5 "] {
                #expect(try client.receive()?.body == body)
            }
        }
    }

    @Test func requestsInFlightAreLimited() async throws {
        try await EchoServer.run { server in
            let client = try server.connect()
            try client.send((0..<100).map { get("/hold/\($0)") }.joined())
            #expect(client.isSilent(milliseconds: 100))
            #expect(server.counts.executed.load(ordering: .sequentiallyConsistent) == 64)
            let other = try server.connect()
            try other.send(get("/release"))
            #expect(try other.receive()?.body == "/release ")
            for number in 0..<64 { #expect(try client.receive()?.body == "/hold/\(number)") }
            #expect(client.isSilent(milliseconds: 100))
            #expect(server.counts.executed.load(ordering: .sequentiallyConsistent) == 101)
            try other.send(get("/release"))
            for number in 64..<100 { #expect(try client.receive()?.body == "/hold/\(number)") }
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\nHost: a\n\n", 400, "MALFORMED_REQUEST"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413, "BODY_TOO_LARGE"),
        ("GET /" + String(repeating: "a", count: 9_000), 414, "URI_TOO_LONG"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 20_000), 431, "HEADERS_TOO_LARGE"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 501, "TRANSFER_ENCODING_UNSUPPORTED"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP_VERSION_UNSUPPORTED"),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417, "EXPECTATION_UNSUPPORTED"),
    ])
    func aRefusedRequestIsAnsweredAndTheConnectionClosed(_ given: (String, Int, String)) async throws {
        try await EchoServer.run { server in
            let client = try server.connect()
            try client.send(get("/first") + given.0)
            #expect(try client.receive()?.body == "/first ")
            let refusal = try client.receive()
            #expect(refusal?.status == given.1)
            #expect(refusal?.headers["content-type"] == "application/problem+json")
            #expect(refusal?.headers["connection"] == "close")
            #expect(refusal?.body.contains("\"code\":\"\(given.2)\"") == true)
            #expect(try client.isClosedByServer())
            #expect(server.counts.refused.load(ordering: .sequentiallyConsistent) == 1)
            #expect(server.counts.executed.load(ordering: .sequentiallyConsistent) == 1)
        }
    }

    @Test func aBodyTooLargeIsRefusedWhileItIsStillBeingSent() async throws {
        try await EchoServer.run { server in
            let client = try server.connect()
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n")
            // Without lingering the unread bytes would make the system reset the connection and lose the answer.
            try? client.send(String(repeating: "x", count: 4_000_000))
            #expect(try client.receive()?.status == 413)
            #expect(try client.isClosedByServer())
        }
    }

    @Test func leaveToSendABodyIsGivenInTurn() async throws {
        try await EchoServer.run { server in
            let client = try server.connect()
            let head = "POST /b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
            try client.send(get("/hold/a") + head)
            #expect(client.isSilent(milliseconds: 50))
            let other = try server.connect()
            try other.send(get("/release"))
            #expect(try client.receive()?.body == "/hold/a")
            #expect(try client.receive()?.status == 100)
            try client.send("{}")
            #expect(try client.receive()?.body == "/b {}")
            try client.send(head + "[]")
            #expect(try client.receive()?.body == "/b []")
        }
    }

    @Test func closingIsAnnouncedAndDone() async throws {
        try await EchoServer.run { server in
            for request in [get("/a", "Connection: close\r\n"), "GET /a HTTP/1.0\r\n\r\n", get("/close")] {
                let client = try server.connect()
                try client.send(request + get("/never"))
                #expect(try client.receive()?.headers["connection"] == "close")
                #expect(try client.isClosedByServer())
            }
            #expect(server.counts.executed.load(ordering: .sequentiallyConsistent) == 3)
        }
    }

    @Test func aClientThatHasShutItsSideDownStillGetsItsAnswers() async throws {
        try await EchoServer.run { server in
            let client = try server.connect()
            try client.send(get("/hold/1") + get("/large?3000000") + "GET /half")
            client.endSending()
            let other = try server.connect()
            try other.send(get("/release"))
            #expect(try client.receive()?.body == "/hold/1")
            #expect(try client.receive()?.body.utf8.count == 3_000_000)
            #expect(try client.isClosedByServer())
        }
    }

    @Test func aPeerThatReadsSlowlyGetsEverything() async throws {
        try await EchoServer.run { server in
            let client = try server.connect(receiveBufferBytes: 4_096)
            try client.send((0..<60).map { get("/large?\(100_000 + $0)") }.joined())
            try await Task.sleep(for: .milliseconds(200))
            // It is not read any further while its answers wait.
            #expect(server.counts.executed.load(ordering: .sequentiallyConsistent) < 60)
            for number in 0..<60 { #expect(try client.receive()?.body.utf8.count == 100_000 + number) }
        }
    }
}

@Suite(.serialized, .timeLimit(.minutes(2))) struct ConnectionTimeoutTests {
    private var limits: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.timeoutCheckIntervalMs = 20
        return limits
    }

    @Test func anIdleConnectionIsClosed() async throws {
        var limits = limits
        limits.idleTimeoutMs = 300
        try await EchoServer.run(limits) { server in
            let client = try server.connect()
            try client.send(get("/a"))
            #expect(try client.receive()?.body == "/a ")
            let start = ContinuousClock.now
            #expect(try client.isClosedByServer())
            #expect(ContinuousClock.now - start >= .milliseconds(280))
            #expect(ContinuousClock.now - start < .seconds(5))
        }
    }

    @Test(arguments: ["GET /slow", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345"])
    func aRequestThatDoesNotEndIsRefused(beginning: String) async throws {
        var limits = limits
        limits.requestTimeoutMs = 200
        try await EchoServer.run(limits) { server in
            let client = try server.connect()
            try client.send(get("/a") + beginning)
            #expect(try client.receive()?.body == "/a ")
            // A byte now and then must not win more time.
            var sends = 0
            while client.isSilent(milliseconds: 40), sends < 100 {
                try client.send("x")
                sends += 1
                if sends == 4, beginning.hasPrefix("POST") { break }
            }
            let refusal = try client.receive()
            #expect(refusal?.status == 408)
            #expect(refusal?.headers["connection"] == "close")
            #expect(try client.isClosedByServer())
        }
    }

    @Test func aRequestInFlightIsWaitedFor() async throws {
        var limits = limits
        limits.idleTimeoutMs = 60
        limits.requestTimeoutMs = 60
        try await EchoServer.run(limits) { server in
            let client = try server.connect()
            try client.send(get("/hold/1"))
            #expect(client.isSilent(milliseconds: 400))
            let other = try server.connect()
            try other.send(get("/release"))
            #expect(try client.receive()?.body == "/hold/1")
        }
    }

    @Test func aPeerThatDoesNotReadIsClosed() async throws {
        var limits = limits
        limits.writeStallTimeoutMs = 200
        try await EchoServer.run(limits) { server in
            let client = try server.connect(receiveBufferBytes: 4_096)
            try client.send(get("/large?8000000"))
            for _ in 0..<200 where server.counts.closed.load(ordering: .sequentiallyConsistent) == 0 {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(server.counts.closed.load(ordering: .sequentiallyConsistent) == 1)
            #expect(server.listener.connectionCount == 0)
        }
    }

    @Test func answersBeyondTheLimitCloseTheConnection() async throws {
        var limits = limits
        limits.unsentBytesMax = 100_000
        try await EchoServer.run(limits) { server in
            let client = try server.connect()
            try client.send(get("/hold/1") + get("/large?200000"))
            #expect(try client.isClosedByServer())
        }
    }
}

@Suite(.serialized, .timeLimit(.minutes(2))) struct ListenerTests {
    @Test func connectionsBeyondTheLimitHearSo() async throws {
        var limits = ConnectionLimits()
        limits.connectionsMax = 2
        try await EchoServer.run(limits, threads: 2) { server in
            let clients = [try server.connect(), try server.connect()]
            for client in clients {
                try client.send(get("/a"))
                #expect(try client.receive()?.status == 200)
            }
            let third = try server.connect()
            let refusal = try third.receive()
            #expect(refusal?.status == 503)
            #expect(refusal?.headers["retry-after"] == "1")
            #expect(try third.isClosedByServer())
            try clients[0].send(get("/close"))
            #expect(try clients[0].receive()?.status == 200)
            #expect(try clients[0].isClosedByServer())
        }
    }

    @Test func aPlaceThatIsGivenBackIsTakenAgain() async throws {
        var limits = ConnectionLimits()
        limits.connectionsMax = 1
        try await EchoServer.run(limits) { server in
            for _ in 0..<20 {
                let client = try server.connect()
                try client.send(get("/a", "Connection: close\r\n"))
                #expect(try client.receive()?.status == 200)
                client.endSending()
                #expect(try client.isClosedByServer())
                while server.listener.connectionCount > 0 { try await Task.sleep(for: .milliseconds(1)) }
            }
        }
    }

    @Test func drainingFinishesWhatIsInFlight() async throws {
        try await EchoServer.run { server in
            let idle = try server.connect()
            let busy = try server.connect()
            try idle.send(get("/a"))
            #expect(try idle.receive()?.status == 200)
            try busy.send(get("/hold/1") + get("/hold/2") + "GET /half")
            #expect(busy.isSilent(milliseconds: 50))
            async let drained: Void = server.listener.drain(timeout: .seconds(30))
            #expect(try idle.isClosedByServer())
            server.release()
            let first = try busy.receive()
            #expect(first?.body == "/hold/1")
            #expect(first?.headers["connection"] == nil)
            let last = try busy.receive()
            #expect(last?.body == "/hold/2")
            #expect(last?.headers["connection"] == "close")
            #expect(try busy.isClosedByServer())
            idle.endSending()
            busy.endSending()
            await drained
            #expect(server.listener.connectionCount == 0)
            #expect(throws: LoopbackClient.Failure.self) { try server.connect() }
        }
    }

    /// A keep-alive client can't know that the server is about to stop.
    @Test func drainingAnswersWhatIsOnItsWay() async throws {
        try await EchoServer.run { server in
            let idle = try server.connect()
            let half = try server.connect()
            try idle.send(get("/a"))
            #expect(try idle.receive()?.headers["connection"] == nil)
            try half.send("GET /b HTTP/1.1\r\n")
            #expect(half.isSilent(milliseconds: 50))
            async let drained: Void = server.listener.drain(timeout: .seconds(30))
            #expect(idle.isSilent(milliseconds: 50))
            try idle.send(get("/c"))
            let last = try idle.receive()
            #expect(last?.body == "/c " && last?.headers["connection"] == "close")
            #expect(half.isSilent(milliseconds: 700))
            try half.send("Host: a\r\n\r\n")
            let whole = try half.receive()
            #expect(whole?.body == "/b " && whole?.headers["connection"] == "close")
            idle.endSending()
            half.endSending()
            await drained
            #expect(server.listener.connectionCount == 0)
        }
    }

    @Test func drainingEndsAtItsDeadline() async throws {
        try await EchoServer.run { server in
            let client = try server.connect()
            try client.send(get("/hold/for-ever"))
            #expect(client.isSilent(milliseconds: 50))
            await server.listener.drain(timeout: .milliseconds(100))
            #expect(try client.isClosedByServer())
            #expect(server.listener.connectionCount == 0)
        }
    }
}
