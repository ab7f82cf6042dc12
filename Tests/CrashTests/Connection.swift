import Foundation
import Glibc
import Synchronization

/// What the server answered; retries must give the same again.
struct Answer: Equatable, Sendable {
    let status: Int
    let body: String
}

/// The connection ended before the answer was complete: whether the request had an effect is unknown.
struct Unanswered: Error {}

/// A blocking keep-alive connection, for one thread.
final class Connection {
    private let descriptor: Int32
    private let isPatient: Bool
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

    /// - Parameter isPatient: asks again, for a minute and more, when the server is too busy: a debug build on a busy machine
    ///   needs many seconds to get through what an attack has left.
    init(port: UInt16, isPatient: Bool = true) throws {
        self.isPatient = isPatient
        guard let descriptor = try? LoopbackSocket.connected(to: port) else { throw Unanswered() }
        self.descriptor = descriptor
        var timeout = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func get(_ path: String) throws -> Answer {
        try exchange("GET \(path) HTTP/1.1\r\nHost: holdfast\r\n\r\n")
    }

    func post(_ path: String, _ body: String, key: String) throws -> Answer {
        try send("POST", path, "application/json", body, fields: "Idempotency-Key: \(key)\r\n")
    }

    func put(_ path: String, _ body: String) throws -> Answer {
        try send("PUT", path, "application/json", body)
    }

    /// One answer a line; each is what the request of its own would have been answered.
    func batch(_ lines: [String]) throws -> [Answer] {
        let body = lines.joined(separator: "\n")
        let answer = try send("POST", "/api/v1/batch", "application/x-ndjson", body)
        if answer.status == 503 || answer.status == 429 { throw Unanswered() }
        let answers = try answer.body.split(separator: "\n").map(Self.answer(ofLine:))
        guard answer.status == 200, answers.count == lines.count else {
            throw ServerFailure(description: "not an answer to \(lines.count) lines: \(answer)")
        }
        return answers
    }

    private static func answer(ofLine line: Substring) throws -> Answer {
        let (start, middle) = (#"{"status":"#, #","body":"#)
        guard line.hasPrefix(start), line.hasSuffix("}"), let status = Int(line.dropFirst(start.count).prefix(3)),
            line.dropFirst(start.count + 3).hasPrefix(middle)
        else { throw ServerFailure(description: "not a line of an answer: \(line)") }
        return Answer(status: status, body: String(line.dropFirst(start.count + 3 + middle.count).dropLast()))
    }

    private func send(_ method: String, _ path: String, _ type: String, _ body: String, fields: String = "") throws
        -> Answer
    {
        try exchange(
            "\(method) \(path) HTTP/1.1\r\nHost: holdfast\r\nContent-Type: \(type)\r\n\(fields)"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
    }

    private func exchange(_ request: String) throws -> Answer {
        for _ in 0..<3_000 {
            let answer = try exchangeOnce(request)
            if !isPatient || answer.isRemembered { return answer }
            usleep(20_000)
        }
        throw Unanswered()
    }

    private func exchangeOnce(_ request: String) throws -> Answer {
        let bytes = Array(request.utf8)
        // A socket that blocks takes everything or the peer is gone.
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Unanswered()
        }
        var filled = 0
        while true {
            if filled == buffer.count { buffer += [UInt8](repeating: 0, count: buffer.count) }
            let received = buffer.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress! + filled, $0.count - filled, 0)
            }
            guard received > 0 else { throw Unanswered() }
            filled += received
            if let answer = try Self.parse(buffer[..<filled]) { return answer }
        }
    }

    /// Nil when more bytes are needed.
    private static func parse(_ bytes: ArraySlice<UInt8>) throws -> Answer? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n", options: .literal) else { return nil }
        let head = text[..<end.lowerBound]
        guard let status = Int(head.dropFirst(9).prefix(3)),
            let field = head.range(of: "\r\nContent-Length: ", options: .literal),
            let length = Int(head[field.upperBound...].prefix { $0.isNumber })
        else { throw ServerFailure(description: "not an answer: \(text)") }
        let body = text[end.upperBound...]
        return body.utf8.count < length ? nil : Answer(status: status, body: String(body))
    }
}

/// Threads that run at the same time and each return some results.
final class Crew<Result: Sendable>: Sendable {
    private let results = Mutex<[Result]>([])
    private let group = DispatchGroup()

    init(threads: Int, _ work: @escaping @Sendable (_ thread: Int) -> [Result]) {
        for thread in 0..<threads {
            group.enter()
            Thread {
                let found = work(thread)
                self.results.withLock { $0 += found }
                self.group.leave()
            }.start()
        }
    }

    func join() -> [Result] {
        group.wait()
        return results.withLock { $0 }
    }
}
