import Foundation
import Loop
import Testing
import WAL

@testable import Engine
@testable import Server

/// A whole server on a data folder of its own: the real log, engine, fronts and listener.
final class SaleServer {
    let port: Int
    let keyRing: TokenKeyRing?
    private let loops: [RingLoop]
    let engine: Engine
    private let listener: Listener
    let operations: Operations

    /// Starts on the folder, runs `body`, and stops as on SIGTERM.
    static func run<R>(
        folder: String,
        shards: Int = 1,
        limits: ConnectionLimits = ConnectionLimits(),
        clock: EngineClock = EngineClock(),
        keyRing: TokenKeyRing? = nil,
        device: any LogDevice = IOUringDevice(),
        streamsMax: Int = StreamAllowance.defaultLimit,
        identity: TLSIdentity? = nil,
        rateLimits: RateLimits? = nil,
        requiresIdempotencyKeys: Bool = false,
        _ body: (SaleServer) async throws -> R
    ) async throws -> R {
        let server = try await SaleServer(
            folder,
            shards,
            limits,
            clock,
            keyRing,
            device,
            streamsMax,
            identity,
            rateLimits,
            requiresIdempotencyKeys
        )
        let result: Result<R, any Error>
        do {
            result = .success(try await body(server))
        } catch {
            result = .failure(error)
        }
        await server.listener.drain(timeout: .seconds(5))
        try await server.engine.stop()
        for loop in server.loops { loop.stop() }
        return try result.get()
    }

    /// The same in a new folder, which is removed at the end.
    static func run<R>(
        shards: Int = 1,
        limits: ConnectionLimits = ConnectionLimits(),
        device: any LogDevice = IOUringDevice(),
        streamsMax: Int = StreamAllowance.defaultLimit,
        _ body: (SaleServer) async throws -> R
    ) async throws -> R {
        let folder = makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try await run(
            folder: folder,
            shards: shards,
            limits: limits,
            device: device,
            streamsMax: streamsMax,
            body
        )
    }

    static func makeFolder() -> String {
        FileManager.default.temporaryDirectory.appending(path: "holdfast-\(UUID().uuidString)").path
    }

    private init(
        _ folder: String,
        _ shards: Int,
        _ limits: ConnectionLimits,
        _ clock: EngineClock,
        _ keyRing: TokenKeyRing?,
        _ device: any LogDevice,
        _ streamsMax: Int,
        _ identity: TLSIdentity?,
        _ rateLimits: RateLimits?,
        _ requiresIdempotencyKeys: Bool
    ) async throws {
        let loops = try (0..<shards).map { try RingLoop.start(number: $0) }
        self.loops = loops
        self.keyRing = keyRing
        let log = try WriteAheadLog.open(
            folder: folder,
            options: Engine.logOptions(shards: shards),
            device: device
        )
        let (engine, _) = try await Engine.start(log: log, loops: loops, clock: clock) { error in
            Issue.record("the log failed: \(error)")
        }
        self.engine = engine
        let operations = Operations(
            openAPI: String(decoding: PackageResources.openapi_json, as: UTF8.self),
            style: String(decoding: PackageResources.docs_css, as: UTF8.self),
            streamsMax: streamsMax,
            rateLimits: rateLimits
        )
        self.operations = operations
        let fronts = loops.indices.map {
            LoopFront(
                number: $0,
                loop: loops[$0],
                engine: engine,
                router: Router(requiresIdempotencyKey: requiresIdempotencyKeys),
                operations: operations,
                keyRing: keyRing,
                rateLimits: rateLimits
            )
        }
        for front in fronts { await front.connect(to: fronts) }
        var configuration = Listener.Configuration()
        configuration.port = 0
        configuration.connection = limits
        configuration.streamMemory = operations.streamMemory
        configuration.streamKeys = keyRing
        configuration.security = identity
        configuration.connection.request.bodyBytesMaxOfRoute = BatchRequest.bodyBytesMax
        listener = try await Listener.start(eventLoops: loops, configuration: configuration) { loop in
            fronts.first { $0.loop === loop }!
        }
        port = listener.port
    }

    func connect(receiveBufferBytes: Int32? = nil) throws -> LoopbackClient {
        let client = try LoopbackClient(port: port, receiveBufferBytes: receiveBufferBytes)
        // Whatever a test is about, the server answers as its document says.
        let document = try OpenAPIDocument.shared.get()
        client.onReply = { method, target, reply in
            if let difference = document.difference(method, target, reply) {
                Issue.record("not as openapi.json says: \(difference): \(reply.body.prefix(300))")
            }
        }
        return client
    }

    /// Puts an event with one section on sale; their ids are the same.
    func putOnSale(_ id: String, places: Int = 1_000_000) throws {
        let client = try connect()
        for (path, body) in [
            ("/api/v1/events", "{\"id\":\"\(id)\",\"name\":\"Gala\",\"currency\":\"EUR\"}"),
            ("/api/v1/events/\(id)/pricing", #"{"base_price":50,"currency":"EUR"}"#),
            (
                "/api/v1/events/\(id)/capacity",
                "{\"id\":\"\(id)\",\"section_name\":\"Floor\",\"total_capacity\":\(places)}"
            ), ("/api/v1/events/\(id)/publish", "{}"),
        ] {
            let reply = try client.post(path, body)
            guard reply.status < 300 else { throw TestFailure("\(path): \(reply.body)") }
        }
    }
}

extension LoopbackClient {
    func post(_ path: String, _ body: String, key: String? = nil) throws -> Reply {
        try sendPost(path, body, key: key)
        return try next()
    }

    func get(_ path: String) throws -> Reply {
        try send("GET \(path) HTTP/1.1\r\nHost: test\r\n\r\n")
        return try next()
    }

    func sendPost(_ path: String, _ body: String, key: String? = nil, type: String = "application/json") throws {
        let keyField = key.map { "Idempotency-Key: \($0)\r\n" } ?? ""
        try send(
            "POST \(path) HTTP/1.1\r\nHost: test\r\nContent-Type: \(type)\r\n\(keyField)"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
    }

    func next() throws -> Reply {
        guard let reply = try receive() else { throw TestFailure("the server has closed the connection") }
        return reply
    }

    func sendBatch(_ lines: [String]) throws {
        try sendPost("/api/v1/batch", lines.joined(separator: "\n"), type: "application/x-ndjson")
    }

    /// Sends the lines, and gives the answers' lines.
    func batch(_ lines: [String]) throws -> [AnswerLine] {
        try sendBatch(lines)
        let reply = try next()
        #expect(reply.status == 200, "\(reply.body)")
        #expect(reply.headers["content-type"] == "application/x-ndjson")
        return try AnswerLine.lines(of: reply)
    }
}

/// A line of a batch's answer.
struct AnswerLine: Equatable {
    let status: Int
    let retryAfter: Int?
    /// The body as it was written.
    let body: String

    init(_ line: String) throws {
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        guard let object, let status = object["status"] as? Int, let start = line.range(of: "\"body\":") else {
            throw TestFailure("no line of an answer: \(line)")
        }
        self.status = status
        retryAfter = object["retry_after"] as? Int
        body = String(line[start.upperBound...].dropLast())
    }

    static func lines(of reply: LoopbackClient.Reply) throws -> [AnswerLine] {
        guard reply.body.hasSuffix("\n") else { throw TestFailure("the last line does not end: \(reply.body)") }
        return try reply.body.dropLast().components(separatedBy: "\n").map { try AnswerLine($0) }
    }

    func json() throws -> [String: Any] {
        guard let object = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any] else {
            throw TestFailure("not an object: \(body)")
        }
        return object
    }

    var code: String? { try? json()["code"] as? String }

    var reservation: String? { ((try? json())?["reservation"] as? [String: Any])?["id"] as? String }

    var orderID: String? { ((try? json())?["order"] as? [String: Any])?["id"] as? String }
}
