import Foundation
import Testing

@testable import Server

private func get(_ target: String, _ fields: String = "") -> String {
    "GET \(target) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
}

/// What an encrypted connection does that others do as well, and what only it does.
@Suite(.serialized, .timeLimit(.minutes(2))) struct TLSConnectionTests {
    private let certificate: TestCertificate

    init() throws { certificate = try TestCertificate() }

    /// Runs `body` with an encrypted server of echoes.
    private func run(
        _ limits: ConnectionLimits = ConnectionLimits(),
        threads: Int = 1,
        minimum: TLSFiles.MinimumVersion = .tls12,
        _ body: (EchoServer, TLSClient.Terms) async throws -> Void
    ) async throws {
        var files = certificate.files
        files.minimumVersion = minimum
        let identity = try TLSIdentity(files)
        try await EchoServer.run(limits, threads: threads, identity: identity) { server in
            try await body(server, TLSClient.Terms(root: certificate.root))
        }
    }

    private static func quick() -> ConnectionLimits {
        var limits = ConnectionLimits()
        limits.timeoutCheckIntervalMs = 20
        return limits
    }

    @Test(arguments: [12...12, 13...13]) func everyPieceMayBeAByte(versions: ClosedRange<Int>) async throws {
        try await run { server, terms in
            var terms = terms
            terms.versions = versions
            terms.handshakePieceBytes = 1
            let client = try TLSClient(port: server.listener.port, terms)
            #expect(client.negotiatedProtocol == "http/1.1")
            let request = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
            for byte in try client.encrypt(request) { try client.sendBytes([byte]) }
            #expect(try client.receive()?.body == "/a hello")
            for character in request { try client.send(String(character)) }
            #expect(try client.receive()?.body == "/a hello")
        }
    }

    @Test func manyRequestsMayBeSentAtOnce() async throws {
        try await run { server, terms in
            let client = try TLSClient(port: server.listener.port, terms)
            try client.send((0..<1_000).map { get("/\($0)") }.joined())
            for number in 0..<1_000 { #expect(try client.receive()?.body == "/\(number) ") }
        }
    }

    @Test func largeAnswersComeWholeAndInOrder() async throws {
        try await run { server, terms in
            let client = try TLSClient(port: server.listener.port, terms)
            try client.send(get("/large?15999") + get("/large?16000") + get("/large?5000000") + get("/after"))
            for size in [15_999, 16_000, 5_000_000] {
                let body = try client.receive()?.body
                #expect(body?.utf8.count == size && body?.utf8.allSatisfy { $0 == UInt8(ascii: "x") } == true)
            }
            #expect(try client.receive()?.body == "/after ")
        }
    }

    /// While somebody reads slowly, others are served, and what waits for it is bounded.
    @Test func whoReadsSlowlyGetsEverything() async throws {
        try await run { server, terms in
            var slowly = terms
            slowly.receiveBufferBytes = 4_096
            let slow = try TLSClient(port: server.listener.port, slowly)
            try slow.send((0..<40).map { get("/large?100000", "X-N: \($0)\r\n") }.joined())
            let quick = try TLSClient(port: server.listener.port, terms)
            for number in 0..<20 {
                try quick.send(get("/\(number)"))
                #expect(try quick.receive()?.body == "/\(number) ")
            }
            // Held back: not all is executed before something is read.
            #expect(server.counts.executed.load(ordering: .sequentiallyConsistent) < 60)
            for _ in 0..<40 { #expect(try slow.receive()?.body.utf8.count == 100_000) }
        }
    }

    @Test func manyConnectionsAreServed() async throws {
        try await run(threads: 2) { server, terms in
            var clients = try (0..<100).map { _ in try TLSClient(port: server.listener.port, terms) }
            for (number, client) in clients.enumerated() { try client.send(get("/\(number)")) }
            for (number, client) in clients.enumerated() { #expect(try client.receive()?.body == "/\(number) ") }
            #expect(server.listener.connectionCount == 100)
            clients.removeAll()
        }
    }

    // MARK: - Ends

    @Test func everyEndOfOursIsSaid() async throws {
        var limits = Self.quick()
        limits.idleTimeoutMs = 60
        try await run(limits) { server, terms in
            // By an answer that closes, by being idle, by having nothing to refuse.
            for request in [get("/a", "Connection: close\r\n"), get("/b"), "nonsense\r\n\r\n"] {
                let client = try TLSClient(port: server.listener.port, terms)
                try client.send(request)
                #expect(try client.receive() != nil)
                #expect(try client.isClosedByServer())
                #expect(client.hasCloseNotify, "\(request)")
            }
        }
    }

    @Test func aStopAnswersWhatIsInFlightAndSaysSo() async throws {
        let identity = try TLSIdentity(certificate.files)
        let root = certificate.root
        let (client, silent) = try await EchoServer.run(identity: identity) { server in
            let terms = TLSClient.Terms(root: root)
            let client = try TLSClient(port: server.listener.port, terms)
            try client.send(get("/hold/1"))
            let silent = try server.connect()
            while server.counts.executed.load(ordering: .sequentiallyConsistent) == 0 {
                try await Task.sleep(for: .milliseconds(2))
            }
            Task.detached {
                try await Task.sleep(for: .milliseconds(200))
                server.release()
            }
            return (client, silent)
        }
        let reply = try client.receive()
        #expect(reply?.body == "/hold/1" && reply?.headers["connection"] == "close")
        #expect(try client.isClosedByServer())
        #expect(client.hasCloseNotify)
        #expect(try silent.isClosedByServer())
    }

    /// By `close_notify`, or by the end of the socket: what was asked whole is answered.
    @Test(arguments: [true, false]) func whoHasNothingMoreToAskIsAnswered(byNotice: Bool) async throws {
        try await run { server, terms in
            let client = try TLSClient(port: server.listener.port, terms)
            try client.send(get("/a") + get("/b") + "GET /half HTTP/1.1\r\nHo")
            if byNotice { try client.sendCloseNotify() } else { client.endSending() }
            #expect(try client.receive()?.body == "/a ")
            #expect(try client.receive()?.body == "/b ")
            #expect(try client.isClosedByServer())
            #expect(server.counts.executed.load(ordering: .sequentiallyConsistent) == 2)
        }
    }

    @Test func whoDoesNotReadIsClosed() async throws {
        var limits = Self.quick()
        limits.writeStallTimeoutMs = 200
        try await run(limits) { server, terms in
            var terms = terms
            terms.receiveBufferBytes = 4_096
            let client = try TLSClient(port: server.listener.port, terms)
            try client.send(get("/large?20000000"))
            for _ in 0..<500 where server.listener.connectionCount > 0 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(server.listener.connectionCount == 0)
        }
    }

    @Test func oneMoreThanThereMayBeIsToldSo() async throws {
        var limits = ConnectionLimits()
        limits.connectionsMax = 1
        try await run(limits) { server, terms in
            let first = try TLSClient(port: server.listener.port, terms)
            let second = try TLSClient(port: server.listener.port, terms)
            #expect(try second.receive()?.body.contains("TOO_MANY_CONNECTIONS") == true)
            #expect(try second.isClosedByServer())
            try first.send(get("/a"))
            #expect(try first.receive()?.status == 200)
        }
    }
}
