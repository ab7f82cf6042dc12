import Foundation
import Testing

@testable import Server

/// Who doesn't speak TLS as it should be spoken.
@Suite(.serialized, .timeLimit(.minutes(2))) struct TLSHostileTests {
    private let certificate: TestCertificate
    private static let request = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

    init() throws { certificate = try TestCertificate(curve: nil) }

    private func run(
        _ limits: ConnectionLimits = ConnectionLimits(),
        minimum: TLSFiles.MinimumVersion = .tls12,
        _ body: (EchoServer, TLSClient.Terms, TLSIdentity) async throws -> Void
    ) async throws {
        var files = certificate.files
        files.minimumVersion = minimum
        let identity = try TLSIdentity(files)
        try await EchoServer.run(limits, identity: identity) { server in
            try await body(server, TLSClient.Terms(root: certificate.root), identity)
            // Whatever it was, others are served.
            let client = try TLSClient(port: server.listener.port, TLSClient.Terms(root: certificate.root))
            try client.send(Self.request)
            #expect(try client.receive()?.body == "/a ")
        }
    }

    private func executed(_ server: EchoServer) -> Int {
        server.counts.executed.load(ordering: .sequentiallyConsistent)
    }

    @Test func whoDoesNotEncryptHearsIt() async throws {
        try await run { server, _, identity in
            let client = try server.connect()
            try client.send(Self.request + Self.request)
            let reply = try client.receive()
            #expect(reply?.status == 400 && reply?.headers["connection"] == "close")
            #expect(reply?.body.contains(#""code":"TLS_REQUIRED""#) == true)
            #expect(try client.isClosedByServer())
            #expect(executed(server) == 0)
            #expect(identity.figures.failures == 1)
        }
    }

    /// An alert of protocol_version, whatever came.
    @Test func garbageIsAnsweredWithAnAlert() async throws {
        try await run { server, _, identity in
            var random = SystemRandomNumberGenerator()
            for length in [1, 5, 6, 100, 4_096, 70_000] {
                let client = try server.connect()
                // Not what a handshake or a method begins with.
                try? client.sendBytes(
                    (0..<length).map { $0 == 0 ? 0x80 : UInt8.random(in: .min ... .max, using: &random) }
                )
                client.endSending()
                while try client.receiveMore() {}
                #expect(client.received.isEmpty || client.received[0] == 0x15, "\(length): \(client.received)")
            }
            #expect(executed(server) == 0)
            #expect(identity.figures.handshakes == 0)
        }
    }

    /// A record that was changed on its way, behind one that was not.
    @Test func aForgedRecordEndsTheConnection() async throws {
        try await run { server, terms, _ in
            for versions in [12...12, 13...13] {
                var terms = terms
                terms.versions = versions
                let client = try TLSClient(port: server.listener.port, terms)
                try client.send("GET /before HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try client.receive()?.body == "/before ")
                var forged = try client.encrypt(Self.request)
                forged[forged.count - 1] ^= 1
                try client.sendBytes(forged)
                try? client.send(Self.request)
                // The alert makes the client's side fail.
                #expect(throws: (any Error).self) { while try client.receiveMore() {} }
            }
            #expect(executed(server) == 2)
        }
    }

    @Test func arbitraryBytesInTheMiddleEndTheConnection() async throws {
        try await run { server, terms, _ in
            var random = SystemRandomNumberGenerator()
            for _ in 0..<30 {
                let client = try TLSClient(port: server.listener.port, terms)
                var bytes = try client.encrypt(Self.request)
                for _ in 0..<3 { bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255) }
                try client.sendBytes(bytes)
                client.endSending()
                do { while try client.receiveMore() {} } catch {}
                #expect(client.received.isEmpty)
            }
            #expect(executed(server) == 0)
        }
    }

    @Test func oldVersionsAreRefused() async throws {
        try await run { server, terms, _ in
            for versions in [10...10, 11...11, 10...11] {
                var terms = terms
                terms.versions = versions
                #expect(throws: (any Error).self) { try TLSClient(port: server.listener.port, terms) }
            }
        }
        try await run(minimum: .tls13) { server, terms, _ in
            var terms = terms
            terms.versions = 12...12
            #expect(throws: (any Error).self) { try TLSClient(port: server.listener.port, terms) }
        }
    }

    /// Asked by openssl, whose `R` begins another handshake.
    @Test func anotherHandshakeIsRefused() async throws {
        try await run { server, _, _ in
            let arguments = ["s_client", "-connect", "127.0.0.1:\(server.listener.port)", "-tls1_2"]
            let found = try Tool.run("openssl", arguments, input: "R\n\(Self.request)")
            #expect(found.text.contains("RENEGOTIATING"))
            #expect(found.text.contains("no renegotiation") || found.text.contains("error:"), "\(found.text)")
            #expect(executed(server) == 0)
        }
    }

    /// Nobody takes longer to shake hands than the limit, however it is done.
    @Test func aHandshakeThatDripsIsEnded() async throws {
        var limits = ConnectionLimits()
        limits.timeoutCheckIntervalMs = 20
        limits.handshakeTimeoutMs = 300
        try await run(limits) { server, _, _ in
            let silent = try server.connect()
            let dripping = try server.connect()
            let begun = ContinuousClock.now
            // The beginning of a record of 512 bytes with a ClientHello, and then byte after byte.
            try dripping.sendBytes([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])
            while begun.duration(to: .now) < .seconds(5) {
                do { try dripping.sendBytes([0x55]) } catch { break }
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(begun.duration(to: .now) < .seconds(3))
            #expect(try silent.isClosedByServer())
            #expect(server.listener.connectionCount == 0)
            #expect(executed(server) == 0)
        }
    }

    /// A handshake is larger than any that is meant: the record says 16 KiB, and more of it comes.
    @Test func aHandshakeWithoutEndIsEnded() async throws {
        var limits = ConnectionLimits()
        limits.timeoutCheckIntervalMs = 20
        limits.handshakeTimeoutMs = 500
        try await run(limits) { server, _, _ in
            let client = try server.connect()
            let record: [UInt8] = [0x16, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff] + Array(repeating: 3, count: 16_380)
            do { for _ in 0..<2_000 { try client.sendBytes(record) } } catch {}
            do { while try client.receiveMore() {} } catch {}
            for _ in 0..<300 where server.listener.connectionCount > 0 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(server.listener.connectionCount == 0)
        }
    }
}
