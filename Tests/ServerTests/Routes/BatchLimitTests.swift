import Foundation
import Testing

@testable import Engine
@testable import Server

/// What a batch may not be, and what it costs others.
@Suite struct BatchLimitTests {
    private let line = #"{"op":"reserve","capacity_id":"gala","quantity":1}"#

    private func reserved(_ client: LoopbackClient) throws -> Int? {
        let answer = try JSONSerialization.jsonObject(with: Data(try client.get("/api/v1/capacity/gala").body.utf8))
        return ((answer as? [String: Any])?["capacity"] as? [String: Any])?["reserved_capacity"] as? Int
    }

    @Test func theWholeBatchIsRefused() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            let path = "/api/v1/batch"
            try client.sendPost(path, line)
            #expect(try client.next().status == 415)
            try client.sendPost(path, line, key: "k", type: "application/x-ndjson")
            #expect(try client.next().status == 400)
            for empty in ["", "\n \r\n\t"] {
                try client.sendPost(path, empty, type: "application/ndjson")
                #expect(try client.next().body.contains("EMPTY_BATCH"))
            }
            try client.sendBatch(Array(repeating: line, count: BatchRequest.linesMax + 1))
            let tooMany = try client.next()
            #expect(tooMany.status == 413 && tooMany.body.contains("TOO_MANY_LINES"))
            #expect(try reserved(client) == 0)
            #expect(try client.get(path).status == 405)
        }
    }

    @Test func theLargestBatchIsTaken() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            let lines = Array(repeating: line, count: BatchRequest.linesMax)
            let blanks = BatchRequest.bodyBytesMax - lines.joined(separator: "\n").utf8.count
            let answers = try client.batch(
                lines.dropLast() + [line + String(repeating: " ", count: min(blanks, 60_000))]
            )
            #expect(answers.count == BatchRequest.linesMax)
            #expect(answers.allSatisfy { $0.status == 200 })
            #expect(try reserved(client) == BatchRequest.linesMax)
        }
    }

    /// The limit is the batch route's alone.
    @Test func bodiesHaveTheirRoutesLimit() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            func status(_ path: String, _ bytes: Int) throws -> Int {
                let client = try server.connect()
                let body = line + "\n" + String(repeating: " ", count: bytes - line.utf8.count - 1)
                try client.sendPost(path, body, type: "application/x-ndjson")
                return try client.next().status
            }
            #expect(try status("/api/v1/batch", BatchRequest.bodyBytesMax) == 200)
            let client = try server.connect()
            for (path, bytes) in [
                ("/api/v1/batch", BatchRequest.bodyBytesMax + 1), ("/api/v1/reservations", 65_537),
                ("/api/v1/batch/", 65_537),
            ] {
                let client = try server.connect()
                try client.send("POST \(path) HTTP/1.1\r\nHost: test\r\nContent-Length: \(bytes)\r\n\r\n")
                #expect(try client.next().status == 413, "\(path)")
            }
            #expect(try reserved(client) == 1)
        }
    }

    /// Answers come in the order of the requests, and what stands behind a batch sees its effect.
    @Test(arguments: [1, 2])
    func batchesAndSinglesShareAConnection(shards: Int) async throws {
        try await SaleServer.run(shards: shards) { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            let single = "/api/v1/capacity/gala/reserve"
            for _ in 0..<5 {
                try client.sendPost(single, #"{"quantity":1}"#)
                try client.sendBatch(Array(repeating: line, count: 700))
                try client.send("GET /api/v1/capacity/gala HTTP/1.1\r\nHost: test\r\n\r\n")
            }
            for round in 0..<5 {
                let expected = round * 701
                #expect(try client.next().body.contains("\"reserved_capacity\":\(expected + 1),"))
                let answers = try AnswerLine.lines(of: try client.next())
                #expect(answers.count == 700)
                #expect(answers.last?.body.contains("\"reserved_capacity\":\(expected + 701),") == true)
                #expect(try client.next().body.contains("\"reserved_capacity\":\(expected + 701),"))
            }
        }
    }

    @Test func aBatchWithoutRoomIsRefusedWhole() async throws {
        var limits = ConnectionLimits()
        limits.largeRequestBytesMax = 300_000
        try await SaleServer.run(limits: limits) { server in
            try server.putOnSale("gala")
            // Set aside for what has arrived and as much again: for a body whose rest never comes.
            let slow = try server.connect()
            try slow.send("POST /api/v1/batch HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-ndjson\r\n")
            try slow.send("Content-Length: 250000\r\n\r\n" + String(repeating: "x", count: 130_000))
            let client = try server.connect()
            func send() throws -> LoopbackClient.Reply {
                try client.sendBatch(Array(repeating: line, count: 100))
                return try client.next()
            }
            var refused = try send()
            // The slow one's bytes may still be on their way.
            for _ in 0..<100 where refused.status == 200 { refused = try send() }
            #expect(refused.status == 503 && refused.headers["retry-after"] == "1")
            let other = try server.connect()
            try other.send("POST /api/v1/batch HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n")
            #expect(try other.next().status == 503)
            let before = try reserved(client)
            // Its room is free again once it has gone.
            slow.endSending()
            _ = try? slow.receive()
            var taken = try send()
            for _ in 0..<100 where taken.status == 503 { taken = try send() }
            #expect(taken.status == 200)
            #expect(try reserved(client) == (before ?? 0) + 100)
        }
    }

    /// A client that reads slowly gets an answer of megabytes whole, and only then the next one.
    @Test func aLargeAnswerIsReadInTime() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            let client = try server.connect(receiveBufferBytes: 4_096)
            for _ in 0..<3 { try client.sendBatch(Array(repeating: line, count: 5_000)) }
            for _ in 0..<3 {
                let reply = try client.next()
                #expect(reply.status == 200)
                #expect(try AnswerLine.lines(of: reply).count == 5_000)
            }
        }
    }
}
