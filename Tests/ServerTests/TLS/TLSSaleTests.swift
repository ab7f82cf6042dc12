import Foundation
import Testing

@testable import Server

/// The sale over encrypted connections.
@Suite(.serialized, .timeLimit(.minutes(2))) struct TLSSaleTests {
    private func run(
        shards: Int = 1,
        limits: ConnectionLimits = ConnectionLimits(),
        _ body: (SaleServer, TestCertificate, TLSIdentity) async throws -> Void
    ) async throws {
        let certificate = try TestCertificate()
        let identity = try TLSIdentity(certificate.files)
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await SaleServer.run(folder: folder, shards: shards, limits: limits, identity: identity) {
            try await body($0, certificate, identity)
        }
    }

    private func connect(_ server: SaleServer, _ certificate: TestCertificate) throws -> TLSClient {
        try TLSClient(port: server.port, TLSClient.Terms(root: certificate.root))
    }

    private func putOnSale(_ client: LoopbackClient, places: Int = 100_000) throws {
        for (path, body) in [
            ("/api/v1/events", #"{"id":"gala","name":"Gala","currency":"EUR"}"#),
            ("/api/v1/events/gala/pricing", #"{"base_price":50,"currency":"EUR"}"#),
            (
                "/api/v1/events/gala/capacity",
                "{\"id\":\"gala\",\"section_name\":\"Floor\",\"total_capacity\":\(places)}"
            ), ("/api/v1/events/gala/publish", "{}"),
        ] {
            let reply = try client.post(path, body)
            #expect(reply.status < 300, "\(reply.body)")
        }
    }

    /// With curl, which checks the certificate: a reservation, its retry on another connection, and its sale.
    @Test func aSaleWithAClientFromOutside() async throws {
        try await run(shards: 2) { server, certificate, identity in
            func curl(_ path: String, _ body: String, key: String) throws -> AnswerLine {
                let url = "https://localhost:\(server.port)/api/v1/\(path)"
                let found = try Tool.run(
                    "curl",
                    [
                        "-sS", "--fail-with-body", "--cacert", certificate.root, "-H", "Content-Type: application/json",
                        "-H", "Idempotency-Key: \(key)", "-w", "\n%{http_code} %{ssl_verify_result} %{http_version}",
                        "-d",
                        body, url,
                    ]
                )
                let lines = found.text.split(separator: "\n")
                #expect(lines.count == 2 && lines[1].hasSuffix(" 0 1.1"), "\(found.text)")
                return try AnswerLine("{\"status\":\(lines[1].prefix(3)),\"body\":\(lines[0])}")
            }
            try putOnSale(connect(server, certificate))
            let held = try curl("capacity/gala/reserve", #"{"quantity":2}"#, key: "a")
            #expect(held.status == 200)
            #expect(try curl("capacity/gala/reserve", #"{"quantity":2}"#, key: "a") == held)
            let id = try #require(held.reservation)
            let sold = try curl("reservations/\(id)/confirm", #"{"payment_reference":"p"}"#, key: "b")
            #expect(sold.status == 200 && sold.orderID != nil)
            #expect(identity.figures.handshakes == 4)
        }
    }

    /// As large as a batch may be, and its answer.
    @Test func aBatchOfMegabytes() async throws {
        try await run(shards: 2) { server, certificate, _ in
            let client = try connect(server, certificate)
            try putOnSale(client)
            let blanks = String(repeating: " ", count: 380)
            let lines = (0..<9_000).map {
                #"{"op":"reserve","capacity_id":"gala","quantity":1,"idempotency_key":"k\#($0)"\#(blanks)}"#
            }
            #expect(lines.reduce(0) { $0 + $1.utf8.count } > 4_000_000)
            let answers = try client.batch(lines)
            #expect(answers.count == 9_000 && answers.allSatisfy { $0.status == 200 })
        }
    }

    @Test func aStreamGoesOnAndEndsWithTheServer() async throws {
        var limits = ConnectionLimits()
        limits.timeoutCheckIntervalMs = 20
        limits.streamHeartbeatMs = 60
        let certificate = try TestCertificate()
        let identity = try TLSIdentity(certificate.files)
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let stream = try await SaleServer.run(folder: folder, limits: limits, identity: identity) { server in
            let client = try connect(server, certificate)
            try putOnSale(client, places: 100)
            let listener = try connect(server, certificate)
            try listener.send("GET /api/v1/events/gala/availability/stream HTTP/1.1\r\nHost: test\r\n\r\n")
            let stream = try EventStream(listener)
            #expect(try stream.some().available() == ["gala": 100])
            for taken in 1...3 {
                #expect(try client.post("/api/v1/capacity/gala/reserve", #"{"quantity":1}"#).status == 200)
                _ = try stream.read(until: "gala", has: 100 - taken)
                try await Task.sleep(for: .milliseconds(200))
            }
            return stream
        }
        #expect(try stream.next() == nil)
        #expect(stream.hasEnded && stream.heartbeats > 0)
        #expect(try stream.client.isClosedByServer())
        #expect((stream.client as? TLSClient)?.hasCloseNotify == true)
    }

    /// Connections that are open go on as they are; new ones get the new certificate.
    @Test func aNewCertificateIsForNewConnections() async throws {
        try await run(shards: 2) { server, certificate, identity in
            let before = try connect(server, certificate)
            try putOnSale(before)
            let old = try before.serverCertificate
            let other = try TestCertificate(curve: nil)
            try other.replace(certificate)
            #expect(try identity.reload(isForced: true))
            let after = try connect(server, other)
            #expect(try after.serverCertificate != old)
            for client in [before, after] {
                #expect(try client.post("/api/v1/capacity/gala/reserve", #"{"quantity":1}"#).status == 200)
            }
            #expect(try before.serverCertificate == old)
        }
    }
}
