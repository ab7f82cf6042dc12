import Foundation
import Glibc
import Synchronization

/// Buyers who keep to the rules of HTTP, each on a connection of its own: a request at a time, and no further one on a
/// connection whose answer says `Connection: close`. So a server that stops well leaves none of them without an answer.
final class PoliteLoad: Sendable {
    struct Outcome: Sendable {
        var answers = 0
        var refusedWithRetry = 0
        /// Requests that were sent whole and got no answer, and answers that no client should get.
        var complaints: [String] = []
    }

    private let isOver = Atomic<Bool>(false)
    private let port: UInt16
    /// Whether every request gets a connection of its own.
    private let closesEach: Bool
    private let crew: Mutex<Crew<Outcome>?>

    init(port: UInt16, buyers: Int, closesEach: Bool = false) {
        self.port = port
        self.closesEach = closesEach
        crew = Mutex(nil)
        let started = Crew<Outcome>(threads: buyers) { number in [self.buy(number)] }
        crew.withLock { $0 = started }
    }

    func finish() -> Outcome {
        isOver.store(true, ordering: .relaxed)
        let outcomes = crew.withLock { $0 }!.join()
        return outcomes.reduce(into: Outcome()) { sum, one in
            sum.answers += one.answers
            sum.refusedWithRetry += one.refusedWithRetry
            sum.complaints += one.complaints
        }
    }

    private func buy(_ number: Int) -> Outcome {
        var outcome = Outcome()
        var connection: Int32?
        var sent = 0
        while !isOver.load(ordering: .relaxed) {
            guard let descriptor = connection ?? (try? LoopbackSocket.connected(to: port)) else {
                // Nobody listens at the moment: nothing was sent, so nothing is lost.
                usleep(2_000)
                continue
            }
            sent += 1
            guard let head = exchange(descriptor, "polite-\(number)-\(sent)") else {
                outcome.complaints.append(
                    "buyer \(number), request \(sent): no answer (\(String(cString: strerror(errno))))"
                )
                close(descriptor)
                connection = nil
                continue
            }
            outcome.note(head)
            let isLast = head.contains("\r\nConnection: close\r\n")
            if isLast { close(descriptor) }
            connection = isLast ? nil : descriptor
        }
        if let connection { close(connection) }
        return outcome
    }

    /// - Returns: the answer's head, nil where the connection ended before its end.
    private func exchange(_ descriptor: Int32, _ key: String) -> String? {
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let body = #"{"quantity":1,"customer_id":"\#(key)"}"#
        let request =
            "POST /api/v1/capacity/floor/reserve HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            + (closesEach ? "Connection: close\r\n" : "")
            + "Idempotency-Key: \(key)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        let bytes = Array(request.utf8)
        errno = 0
        guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return nil }
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 8_192)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            received += chunk[..<count]
            let text = String(decoding: received, as: UTF8.self)
            guard let end = text.range(of: "\r\n\r\n"),
                let length = text.firstMatch(of: /\r\nContent-Length: ([0-9]+)\r\n/).flatMap({ Int($0.1) })
            else { continue }
            if text[end.upperBound...].utf8.count >= length { return String(text[..<end.upperBound]) }
        }
    }
}

extension PoliteLoad.Outcome {
    fileprivate mutating func note(_ head: String) {
        if head.hasPrefix("HTTP/1.1 200 ") {
            answers += 1
        } else if head.hasPrefix("HTTP/1.1 503 "), head.contains("\r\nRetry-After: ") {
            refusedWithRetry += 1
        } else {
            complaints.append(String(head.prefix(200)))
        }
    }
}
