import Foundation

@testable import Server

/// A client of an event stream that reads it as the HTML standard says, one event at a time.
final class EventStream {
    struct Event: Equatable {
        var id = ""
        var name = ""
        var data = ""

        func json() throws -> [String: Any] {
            guard let object = try JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any] else {
                throw TestFailure("not an object: \(data)")
            }
            return object
        }

        /// The available places of each section in it.
        func available() throws -> [String: Int] {
            var places: [String: Int] = [:]
            for section in try json()["sections"] as? [[String: Any]] ?? [] {
                guard let id = section["id"] as? String, let count = section["available"] as? Int else { continue }
                places[id] = count
            }
            return places
        }
    }

    let client: LoopbackClient
    /// The head of the answer, or the whole answer where it is no stream.
    let head: LoopbackClient.Reply
    private var body: [UInt8] = []
    /// Whether the body has ended by its coding, or by the connection where it has none.
    private(set) var hasEnded = false
    private(set) var heartbeats = 0

    convenience init(
        _ server: SaleServer,
        _ path: String,
        fields: String = "",
        version: String = "1.1",
        receiveBufferBytes: Int32? = nil
    ) throws {
        let client = try server.connect(receiveBufferBytes: receiveBufferBytes)
        try client.send("GET \(path) HTTP/\(version)\r\nHost: test\r\n\(fields)\r\n")
        try self.init(client)
    }

    /// - Parameter client: has asked for a stream.
    init(_ client: LoopbackClient) throws {
        self.client = client
        head = try client.next()
    }

    var isStream: Bool { head.headers["content-type"] == "text/event-stream" }

    /// The next event; nil when the stream has ended.
    func next() throws -> Event? {
        while true {
            while let block = takeBlock() {
                var event = Event()
                for line in block.split(separator: "\n") {
                    let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                    let value = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
                    switch parts[0] {
                    case "id": event.id = value
                    case "event": event.name = value
                    case "data": event.data += value
                    default: heartbeats += 1
                    }
                }
                if event != Event() { return event }
            }
            guard try receiveMore() else { return nil }
        }
    }

    /// Whether there is more than has been looked at.
    var hasMore: Bool { !body.isEmpty || !client.received.isEmpty }

    func some() throws -> Event {
        guard let event = try next() else { throw TestFailure("the stream has ended") }
        return event
    }

    /// Reads until an event says that the section has so many places, and counts what is read.
    func read(until section: String, has places: Int) throws -> [Event] {
        var events: [Event] = []
        repeat { events.append(try some()) } while try events[events.count - 1].available()[section] != places
        return events
    }

    private func takeBlock() -> String? {
        let end = Array("\n\n".utf8)
        guard let index = body.indices.first(where: { body[$0...].starts(with: end) }) else { return nil }
        defer { body.removeFirst(index + 2) }
        return String(decoding: body[...index], as: UTF8.self)
    }

    /// - Returns: false at the end of the body.
    private func receiveMore() throws -> Bool {
        if hasEnded { return false }
        guard head.headers["transfer-encoding"] == "chunked" else {
            if client.received.isEmpty { hasEnded = try !client.receiveMore() }
            body += client.received
            client.received = []
            return !hasEnded
        }
        while true {
            if let chunk = try takeChunk() {
                body += chunk
                hasEnded = chunk.isEmpty
                return !hasEnded
            }
            guard try client.receiveMore() else { throw TestFailure("closed within the body") }
        }
    }

    private func takeChunk() throws -> [UInt8]? {
        guard let lineEnd = client.received.firstIndex(of: UInt8(ascii: "\r")) else { return nil }
        let digits = String(decoding: client.received[..<lineEnd], as: UTF8.self)
        guard let size = Int(digits, radix: 16) else { throw TestFailure("not a chunk's size: \(digits)") }
        let start = lineEnd + 2
        guard client.received.count >= start + size + 2 else { return nil }
        let chunk = Array(client.received[start..<(start + size)])
        guard Array(client.received[(start + size)..<(start + size + 2)]) == Array("\r\n".utf8) else {
            throw TestFailure("a chunk does not end")
        }
        client.received.removeFirst(start + size + 2)
        return chunk
    }
}

extension SaleServer {
    func stream(_ event: String, fields: String = "") throws -> EventStream {
        try EventStream(self, "/api/v1/events/\(event)/availability/stream", fields: fields)
    }

    func reserve(_ section: String, places: Int = 1) throws {
        let reply = try connect().post("/api/v1/capacity/\(section)/reserve", "{\"quantity\":\(places)}")
        guard reply.status == 200 else { throw TestFailure(reply.body) }
    }

    func addSections(_ event: String, _ ids: [String], places: Int = 1_000) throws {
        let client = try connect()
        for id in ids {
            let body = "{\"id\":\"\(id)\",\"section_name\":\"S\",\"total_capacity\":\(places)}"
            let reply = try client.post("/api/v1/events/\(event)/capacity", body)
            guard reply.status == 201 else { throw TestFailure(reply.body) }
        }
    }

    /// Waits until so many streams are there.
    /// Waits until what clients have not read of streams, and how many were closed for it, is as wished.
    func streams(_ isReached: ((bytes: Int, closed: UInt64)) -> Bool) async throws {
        let memory = operations.streamMemory
        func state() -> (bytes: Int, closed: UInt64) { (memory.heldBytes, memory.closedStreams) }
        for _ in 0..<500 where !isReached(state()) { try await Task.sleep(for: .milliseconds(10)) }
        guard isReached(state()) else { throw TestFailure("\(state())") }
    }

    func streams(are count: Int) async throws {
        for _ in 0..<500 where operations.streams.taken != count { try await Task.sleep(for: .milliseconds(10)) }
        guard operations.streams.taken == count else {
            throw TestFailure("\(operations.streams.taken) streams, not \(count)")
        }
    }
}
