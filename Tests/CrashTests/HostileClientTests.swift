import Foundation
import Glibc
import Testing

/// Clients that mean harm, against the real server over real sockets. While each attack lasts honest buyers go on
/// buying, and the server's memory stays within a bound.
@Suite(.serialized) struct HostileClientTests {
    /// Runs an attack on a server of its own.
    /// - Parameters:
    ///   - growthMebibytesMax: what the server may take for the attack.
    ///   - attack: gives what has to stay for as long as the attack is to last: it ends when somebody else has been served,
    ///     however slow the machine is.
    private func whileSelling<Attackers>(
        _ name: String,
        growthMebibytesMax: Int,
        options: [String] = [],
        _ attack: (UInt16) throws -> Attackers
    ) throws {
        raiseOpenFileLimit(to: 8_192)
        let folder = try DataFolder()
        let server = try ServerProcess.launch(in: folder, ["--data", folder.data] + options)
        let port = try server.port()
        try HonestBuyers.openSale(port)
        let buyers = HonestBuyers(port: port, name: name)
        buyers.wait(forPurchases: 20)
        let memory = MemoryWatch(server.processIdentifier)
        let before = buyers.purchaseCount
        let attackers = try attack(port)
        withExtendedLifetime(attackers) { buyers.wait(forPurchases: before + 1) }
        let during = buyers.purchaseCount - before
        let grown = memory.finish()
        let (made, troubles) = buyers.finish()
        print("\(name): \(during) honest purchases during it, the server grew by \(grown >> 10) KiB")
        #expect(troubles == [], "\(name)")
        #expect(during > 0, "\(name): nobody else was served")
        #expect(grown < growthMebibytesMax << 20, "\(name): it grew by \(grown >> 10) KiB")
        #expect(try HonestBuyers.contradictions(made, port) == [], "\(name)")
        #expect(try Connection(port: port).get("/ready").status == 200, "\(name): \(server.output)")
    }

    private static let head =
        "POST /api/v1/capacity/floor/reserve HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"

    /// Whatever a proxy in front might read differently is refused, and what stands behind it is not executed.
    static let smuggling: [(name: String, bytes: String, statuses: [Int])] = [
        ("length and chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [501]),
        ("chunked and length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", [501]),
        ("chunked", "Transfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", [501]),
        ("coding with a tab", "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n", [501]),
        ("unknown coding", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", [501]),
        ("coding in capitals", "TRANSFER-ENCODING: CHUNKED\r\n\r\n0\r\n\r\n", [501]),
        ("blank before the colon", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", [400]),
        ("underscore", "Transfer_Encoding: chunked\r\nContent-Length: 0\r\n\r\n", [400, 422]),
        ("two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", [400]),
        ("the same length twice", "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", [400]),
        ("lengths in a list", "Content-Length: 5, 5\r\n\r\nhello", [400]),
        ("signed length", "Content-Length: +5\r\n\r\nhello", [400]),
        ("negative length", "Content-Length: -1\r\n\r\n", [400]),
        ("hexadecimal length", "Content-Length: 0x5\r\n\r\nhello", [400]),
        ("empty length", "Content-Length: \r\n\r\n", [400]),
        ("length without end", "Content-Length: 99999999999999999999999999\r\n\r\n", [413]),
        ("folded line", "X: a\r\n b\r\nContent-Length: 0\r\n\r\n", [400]),
        ("folded coding", "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", [400, 501]),
        ("bare line feeds", "X: a\nContent-Length: 0\n\n", [400]),
        ("bare carriage return", "X: a\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", [400]),
        ("NUL in a value", "X: a\0b\r\nContent-Length: 0\r\n\r\n", [400]),
        ("NUL in a name", "X\0: a\r\nContent-Length: 0\r\n\r\n", [400]),
        ("no name", ": a\r\nContent-Length: 0\r\n\r\n", [400]),
        ("two hosts", "Host: b\r\nContent-Length: 0\r\n\r\n", [400]),
        ("two keys", "Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 0\r\n\r\n", [400]),
        ("two tenants", "X-Tenant-Id: a\r\nX-Tenant-Id: b\r\nContent-Length: 0\r\n\r\n", [400]),
        ("expects tea", "Expect: tea\r\nContent-Length: 0\r\n\r\n", [417]),
    ]

    @Test func nothingIsSmuggled() throws {
        try whileSelling("smuggling", growthMebibytesMax: 32) { port in
            let smuggled = "POST /api/v1/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            for (number, row) in Self.smuggling.enumerated() {
                let event = #"{"id":"smuggled-\#(number)","name":"X","currency":"EUR"}"#
                let client = try HostileClient(port: port)
                client.send(Self.head + row.bytes)
                client.send("\(smuggled)Content-Length: \(event.utf8.count)\r\n\r\n\(event)")
                client.endSending()
                client.receive()
                let isRefused = client.statuses.count == 1 && row.statuses.contains(client.statuses[0])
                // A request that is refused for what it asks, not for how it is written, leaves the next one in place.
                let isUnderstood = client.statuses.count == 2 && row.statuses.contains(422)
                #expect(isRefused || isUnderstood, "\(row.name): \(client.text)")
                #expect(client.isEnded, "\(row.name) is not closed")
                if isUnderstood { continue }
                let status = try Connection(port: port).get("/api/v1/events/smuggled-\(number)").status
                #expect(status == 404, "\(row.name) let a request through")
            }
        }
    }

    private static func request(_ body: [UInt8]) -> [UInt8] {
        Array("\(head)Content-Length: \(body.count)\r\n\r\n".utf8) + body
    }

    private static func field(_ value: String) -> [UInt8] { Array(#"{"quantity":\#(value),"customer_id":"x"}"#.utf8) }

    static let bodies: [(name: String, bytes: [UInt8])] = [
        ("nested arrays", [UInt8](repeating: UInt8(ascii: "["), count: 60_000)),
        ("nested objects", Array(String(repeating: #"{"a":"#, count: 12_000).utf8)),
        ("digits without end", field(String(repeating: "9", count: 60_000))),
        ("a large exponent", field("1e999999999")),
        ("a small exponent", field("1e-999999999")),
        ("a fraction without end", field("1." + String(repeating: "0", count: 60_000) + "1")),
        ("more than 64 bits", field("18446744073709551617")),
        ("negative", field("-1")),
        ("not a number", field("NaN")),
        ("a key twice", Array(#"{"quantity":1,"quantity":2}"#.utf8)),
        ("a lone surrogate", Array(#"{"quantity":1,"customer_id":"\ud800"}"#.utf8)),
        (
            "bytes that are no UTF-8",
            Array(#"{"quantity":1,"customer_id":""#.utf8) + [0xC3, 0x28, 0xFF] + Array(#""}"#.utf8)
        ),
        ("overlong UTF-8", Array(#"{"quantity":1,"customer_id":""#.utf8) + [0xC0, 0x80] + Array(#""}"#.utf8)),
        ("NUL", Array("{\"quantity\":1,\"customer_id\":\"\0\"}".utf8)),
        ("a byte order mark", [0xEF, 0xBB, 0xBF] + Array(#"{"quantity":1}"#.utf8)),
        ("something behind", Array(#"{"quantity":1}{}"#.utf8)),
        ("nothing", []),
        ("a string that does not end", Array(#"{"quantity":"#.utf8) + [UInt8(ascii: "\"")]),
        ("many members", Array(("{" + (0..<4_000).map { "\"m\($0)\":1" }.joined(separator: ",") + "}").utf8)),
    ]

    /// Each is refused on a connection that goes on.
    @Test func bodiesThatMeanHarmAreRefused() throws {
        try whileSelling("bodies", growthMebibytesMax: 32) { port in
            let client = try HostileClient(port: port)
            for (number, body) in Self.bodies.enumerated() {
                #expect(client.sendAll(Self.request(body.bytes)), "\(body.name)")
                client.receive(responses: number + 1)
                let status = client.statuses.last ?? 0
                let isAnswered = client.statuses.count == number + 1
                #expect(isAnswered && [400, 413, 422].contains(status), "\(body.name): \(client.statuses)")
            }
        }
    }

    /// Requests without an end: refused as soon as they are too long, however much more comes.
    @Test func requestsWithoutEndAreRefused() throws {
        let more = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 20)
        let fields = Array(String(repeating: "X: a\r\n", count: 1_000).utf8)
        let chunk = Array(("10000\r\n" + String(repeating: "a", count: 65_536) + "\r\n").utf8)
        let line = Array("\n".utf8)
        let cases: [(name: String, start: String, more: [UInt8], statuses: [Int])] = [
            ("target", "GET /", more, [414]),
            ("method", "", more, [414]),
            ("field", "GET / HTTP/1.1\r\nHost: a\r\nX: ", more, [431]),
            ("fields", "GET / HTTP/1.1\r\nHost: a\r\n", fields, [431]),
            ("chunks", "\(Self.head)Transfer-Encoding: chunked\r\n\r\n", chunk, [501]),
            ("body", "\(Self.head)Content-Length: 900000000\r\n\r\n", more, [413]),
            ("empty lines", "", line, [400]),
            ("bytes of another protocol", "\u{16}\u{3}\u{1}", more, [400]),
        ]
        try whileSelling("without-end", growthMebibytesMax: 64) { port in
            for row in cases {
                let client = try HostileClient(port: port)
                client.send(row.start)
                for _ in 0..<64 where client.sendAll(row.more) {}
                client.receive()
                // Those who go on sending into a closed connection may lose the answer to a reset.
                let isRefused = client.statuses.isEmpty || row.statuses.contains(client.statuses[0])
                #expect(client.isEnded && client.statuses.count <= 1 && isRefused, "\(row.name): \(client.text)")
            }
        }
    }

    /// Heads and bodies that drip, answers that nobody reads, connections that say nothing, hundreds of each at once.
    /// They are ended by their time limits; connections that merely wait are not.
    @Test func whoIsSlowIsEnded() throws {
        try whileSelling("slow", growthMebibytesMax: 256) { port in
            func clients(_ count: Int, _ start: String) throws -> [HostileClient] {
                try (0..<count).map { _ in
                    let client = try HostileClient(port: port)
                    client.send(start)
                    return client
                }
            }
            let batch = "POST /api/v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\n"
            let dripping =
                try clients(200, "GET /api/v1/events HTTP/1.1\r\nHost: a\r\nX: ")
                + clients(200, "\(Self.head)Content-Length: 60000\r\n\r\n")
                + clients(200, "\(batch)Content-Length: 4000000\r\n\r\n")
            let idle = try clients(1_500, "")
            let question = Array("GET /api/v1/events/show HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            let flood = Array(repeatElement(question, count: 1_000).joined())
            let deaf = try clients(100, "")
            for client in deaf {
                client.readNothing()
                for _ in 0..<200 where client.send(flood) <= 0 { break }
            }
            // A batch of an honest client finds room although 200 others have announced one.
            let honest = try HostileClient(port: port)
            honest.send("\(batch)Content-Length: 2\r\n\r\n{}")
            honest.receive(responses: 1)
            #expect(honest.statuses == [200], "\(honest.text)")
            for _ in 0..<26 {
                for client in dripping { client.send("a") }
                usleep(500_000)
            }
            for client in dripping {
                client.receive(milliseconds: 3_000)
                #expect(client.isEnded && client.statuses == [408], "\(client.text)")
            }
            for client in idle.prefix(50) {
                client.send(question)
                client.receive(responses: 1)
                // What the deaf have asked for keeps it busy for a while.
                #expect(client.statuses == [200] || client.statuses == [503], "\(client.text)")
            }
            // They are reset, and their next byte is told so. First their kernels take in what they can, which takes a busy
            // machine its time.
            var ended = 0
            for _ in 0..<1_800 where ended < deaf.count {
                ended = deaf.count { $0.send("x") < 0 }
                usleep(100_000)
            }
            #expect(ended == deaf.count, "\(ended) of those who read nothing are gone")
        }
    }

    /// Answers of megabytes, thousands of them asked for at once, and not one read.
    @Test func answersThatNobodyReadsAreBounded() throws {
        try whileSelling("large-answers", growthMebibytesMax: 640) { port in
            let setup = try Connection(port: port)
            let text = String(repeating: "x", count: 30_000)
            for number in 0..<40 {
                let body = #"{"id":"large-\#(number)","name":"Large","currency":"EUR","text":"\#(text)"}"#
                #expect(try setup.post("/api/v1/events", body, key: "large-\(number)").status == 201)
            }
            let list = String(repeating: "GET /api/v1/events?limit=200 HTTP/1.1\r\nHost: a\r\n\r\n", count: 64)
            let single = String(repeating: "GET /api/v1/events/large-1 HTTP/1.1\r\nHost: a\r\n\r\n", count: 64)
            let deaf = try (0..<200).map { number in
                let client = try HostileClient(port: port)
                client.readNothing()
                client.send(number % 2 == 0 ? list : single)
                return client
            }
            usleep(3_000_000)
            for client in deaf { client.send(single) }
            usleep(1_000_000)
            return deaf
        }
    }

    /// More connections than there may be: who has one keeps it, the others hear so, and a place that is given back
    /// is taken again.
    @Test func aFloodOfConnectionsIsRefused() throws {
        try whileSelling("flood", growthMebibytesMax: 32, options: ["--connections-max", "100"]) { port in
            var clients: [HostileClient] = []
            for _ in 0..<2_000 { clients.append(try HostileClient(port: port)) }
            usleep(3_500_000)
            var (told, open) = (0, 0)
            for client in clients {
                client.receive(milliseconds: 1)
                let isTold = client.statuses == [503] && client.text.contains("TOO_MANY_CONNECTIONS")
                #expect(isTold || client.statuses.isEmpty, "\(client.text)")
                told += isTold ? 1 : 0
                open += client.isEnded ? 0 : 1
            }
            #expect(told > 0 && open <= 100, "\(told) were told, \(open) are open")
            clients.removeAll()
            for _ in 0..<500 {
                if let connection = try? Connection(port: port), (try? connection.get("/ready"))?.status == 200 {
                    return
                }
                usleep(10_000)
            }
            Issue.record("no place was given back")
        }
    }

    /// Sides that are shut down early: what was asked whole is answered, what was not is dropped at once.
    @Test func halfClosedConnectionsAreAnsweredAndEnded() throws {
        try whileSelling("half-closed", growthMebibytesMax: 32) { port in
            let whole = "GET /api/v1/events/show HTTP/1.1\r\nHost: a\r\n\r\n"
            for half in ["", "G", "GET / HTTP/1.1\r\nHost", "\(Self.head)Content-Length: 100\r\n\r\n{"] {
                for _ in 0..<50 {
                    let client = try HostileClient(port: port)
                    client.send(whole + half)
                    client.endSending()
                    client.receive()
                    #expect(client.isEnded && client.statuses == [200], "\(half): \(client.text)")
                }
            }
        }
    }

    /// Batches at their limits, many at once: each line or the whole is refused, none is taken in part unseen.
    @Test func batchesAtTheirLimits() throws {
        let type = "POST /api/v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\n"
        func batch(_ body: [UInt8]) -> [UInt8] { Array("\(type)Content-Length: \(body.count)\r\n\r\n".utf8) + body }
        let line = Array("{\"op\":\"reserve\",\"capacity_id\":\"floor\",\"quantity\":1,\"customer_id\":\"x\"}\n".utf8)
        let cases: [(name: String, body: [UInt8], statuses: [Int])] = [
            ("blank lines", [UInt8](repeating: UInt8(ascii: "\n"), count: 4 << 20), [400, 413, 422]),
            ("one line", [UInt8](repeating: UInt8(ascii: "["), count: 4 << 20), [200, 400, 413, 422]),
            ("too many lines", Array(repeatElement(line, count: 10_001).joined()), [400, 413, 422]),
            ("lines of two bytes", Array(repeatElement(Array("{\n".utf8), count: 10_000).joined()), [200]),
        ]
        try whileSelling("batches", growthMebibytesMax: 500) { port in
            for row in cases {
                let client = try HostileClient(port: port)
                let isSent = client.sendAll(batch(row.body))
                client.receive(responses: 1, milliseconds: 20_000)
                let status = client.statuses.first ?? 0
                #expect(isSent && row.statuses.contains(status), "\(row.name): \(client.text.prefix(300))")
            }
            // A hundred of the largest at once: some are served, the others told to come back.
            let body = Array(repeatElement(Array("{}\n".utf8), count: 10_000).joined())
            let clients = try (0..<100).map { _ in try HostileClient(port: port) }
            for client in clients { _ = client.sendAll(batch(body)) }
            for client in clients {
                client.receive(responses: 1, milliseconds: 30_000)
                #expect([200, 503].contains(client.statuses.first ?? 0), "\(client.text.prefix(300))")
            }
        }
    }
}
