import Foundation
import Synchronization

/// A small HTTP server on a thread of its own, for tests whose subject is what the client makes of a server's
/// answers: its stalls, its lies, its broken connections.
///
/// One thread per connection, blocking; the answer to each request comes from `respond`. Nothing here is fast.
final class LoopbackServer: Sendable {
    enum Reply {
        case json(status: Int, headers: String = "", String)
        /// Closes the connection instead of answering.
        case hangUp
    }

    let port: UInt16
    private let listener: Int32

    init(respond: @escaping @Sendable (_ method: String, _ path: String, _ request: String) -> Reply) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let outcome = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) | listen(descriptor, 128) | getsockname(descriptor, generic, &length)
            }
        }
        guard outcome == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        port = UInt16(bigEndian: address.sin_port)
        listener = descriptor
        Thread.detachNewThread {
            while case let connection = accept(descriptor, nil, nil), connection >= 0 {
                Thread.detachNewThread { Self.serve(connection, respond) }
            }
        }
    }

    /// Takes no more connections; those that are open end when the client closes them.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private static func serve(_ connection: Int32, _ respond: (String, String, String) -> Reply) {
        defer { close(connection) }
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        var received = ""
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            received += String(decoding: buffer[..<count], as: UTF8.self)
            guard isComplete(received) else { continue }
            let words = received.split(separator: " ", maxSplits: 2)
            let reply = respond(String(words[0]), String(words[1]), received)
            received = ""
            guard case .json(let status, let headers, let body) = reply else { return }
            let answer = "HTTP/1.1 \(status) X\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
            guard send(connection, answer, answer.utf8.count, Int32(MSG_NOSIGNAL)) > 0 else { return }
        }
    }

    private static func isComplete(_ request: String) -> Bool {
        guard let headEnd = request.range(of: "\r\n\r\n") else { return false }
        guard let field = request.range(of: "Content-Length: ") else { return true }
        let length = request[field.upperBound...].prefix { $0.isNumber }
        return request[headEnd.upperBound...].utf8.count >= Int(length) ?? 0
    }
}

/// A ticket server in memory, honest or not.
final class TicketDesk: Sendable {
    struct Stock {
        var total = 0
        var reserved = 0
        var sold = 0
        var nextReservation = 0
    }

    private let stock = Mutex<[String: Stock]>([:])
    /// Added to the sold count whenever it is shown.
    private let soldLie: Int
    /// Sells whatever is asked for, and shows no more sold than there was.
    private let oversells: Bool

    init(soldLie: Int = 0, oversells: Bool = false) {
        self.soldLie = soldLie
        self.oversells = oversells
    }

    func respond(_ method: String, _ path: String, _ request: String) -> LoopbackServer.Reply {
        let parts = path.split(separator: "/").map(String.init)
        switch (method, parts.count, parts.last) {
        case ("GET", 1, "health"), ("GET", 4, _): return .json(status: 200, "{}")
        case ("GET", 5, "capacity"): return show()
        case ("POST", 5, "capacity"): return putOnSale(request)
        case ("POST", 5, "pricing"): return .json(status: 201, #"{"pricing":{"id":"prc_1"}}"#)
        case ("POST", 5, "reserve"): return reserve(parts[3])
        case ("POST", 5, "confirm"): return change(parts[3]) { ($0.reserved, $0.sold) = ($0.reserved - 1, $0.sold + 1) }
        case ("POST", 5, "release"): return change(parts[3]) { $0.reserved -= 1 }
        case ("POST", _, _): return .json(status: 200, "{}")
        default: return .json(status: 404, #"{"code":"NOT_FOUND"}"#)
        }
    }

    /// Over all sections.
    var counts: (sections: Int, reserved: Int, sold: Int) {
        stock.withLock { all in
            (all.count, all.values.reduce(0) { $0 + $1.reserved }, all.values.reduce(0) { $0 + $1.sold })
        }
    }

    private func putOnSale(_ request: String) -> LoopbackServer.Reply {
        let id = request.components(separatedBy: #""id":""#)[1].prefix { $0 != "\"" }
        let total = request.components(separatedBy: #""total_capacity":"#)[1].prefix { $0.isNumber }
        stock.withLock { $0[String(id)] = Stock(total: Int(total) ?? 0) }
        return .json(status: 201, #"{"capacity":{"id":"\#(id)"}}"#)
    }

    private func reserve(_ section: String) -> LoopbackServer.Reply {
        stock.withLock { all in
            guard var found = all[section] else { return .json(status: 404, #"{"code":"NOT_FOUND"}"#) }
            guard oversells || found.reserved + found.sold < found.total else {
                return .json(status: 409, #"{"code":"SOLD_OUT"}"#)
            }
            found.reserved += 1
            found.nextReservation += 1
            all[section] = found
            return .json(status: 200, #"{"reservation":{"id":"rsv_\#(section)_\#(found.nextReservation)"}}"#)
        }
    }

    private func change(_ reservation: String, _ body: (inout Stock) -> Void) -> LoopbackServer.Reply {
        let section = String(reservation.split(separator: "_")[1])
        stock.withLock { body(&$0[section]!) }
        return .json(status: 200, "{}")
    }

    private func show() -> LoopbackServer.Reply {
        let sections = stock.withLock { all in
            all.map { id, stock in
                let sold = oversells ? min(stock.sold, stock.total) : stock.sold
                return """
                    {"id":"\(id)","total_capacity":\(stock.total),"sold_count":\(sold + soldLie),
                    "available_capacity":\(stock.total - stock.reserved - sold - soldLie),
                    "reserved_capacity":\(stock.reserved),"buffer_capacity":0}
                    """
            }
        }
        return .json(status: 200, #"{"capacity":[\#(sections.joined(separator: ","))]}"#)
    }
}
