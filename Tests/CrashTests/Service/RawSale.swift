import Foundation
import Glibc
import Testing

/// A whole sale over one server with tokens, in which whatever is private has a mark in it; and all kinds of mistakes.
final class RawSale {
    var organizer = ""
    var customer = ""
    var friend = ""
    var scanner = ""
    /// Codes of tickets, ids of reservations and the like, as answers gave them.
    private(set) var codes: [String] = []
    private let port: UInt16
    private let mark: String
    private var requests = 0

    init(port: UInt16, mark: String) {
        self.port = port
        self.mark = mark
    }

    func run() throws {
        let event = #"{"id":"gala","name":"Gala","currency":"EUR","attributes":{"note":"\#(mark)"}}"#
        _ = try ask("POST", "/api/v1/events", event, organizer, 201)
        let section = #"{"id":"floor","section_name":"Floor","total_capacity":100}"#
        _ = try ask("POST", "/api/v1/events/gala/capacity", section, organizer, 201)
        _ = try ask("POST", "/api/v1/events/gala/pricing", #"{"name":"Full","base_price":50}"#, organizer, 201)
        _ = try ask("POST", "/api/v1/events/gala/publish", "{}", organizer, 200)

        let held = try ask("POST", "/api/v1/capacity/floor/reserve", #"{"quantity":2}"#, customer, 200)
        let reservation = try found(/"id":"(rsv_[^"]+)"/, in: held)
        _ = try ask("GET", "/api/v1/reservations/\(reservation)", "", customer, 200)
        _ = try ask("POST", "/api/v1/reservations/\(reservation)/price-lock", "", customer, 200)
        let payment = #"{"payment_reference":"pay-\#(mark)"}"#
        let sold = try ask("POST", "/api/v1/reservations/\(reservation)/confirm", payment, customer, 200)
        let order = try found(/"id":"(ord_[^"]+)"/, in: sold)
        let ticket = try found(/"id":"(tkt_[^"]+)"/, in: sold)
        let code = try found(/"code":"([^"]+)"/, in: sold)
        codes += [reservation, order, ticket, code]

        let offer = #"{"recipient":"ben-\#(mark)"}"#
        _ = try ask("GET", "/api/v1/tickets/\(ticket)/qr", "", customer, 200)
        let offered = try ask("POST", "/api/v1/tickets/\(ticket)/transfer", offer, customer, nil)
        if let transfer = offered.firstMatch(of: /"code":"([^"]+)"/) {
            codes.append(String(transfer.1))
            let accept = #"{"code":"\#(transfer.1)"}"#
            _ = try ask("POST", "/api/v1/tickets/\(ticket)/transfer/accept", accept, friend, nil)
        }
        let scan = #"{"code":"\#(ticket).\#(code)","gate":"north"}"#
        _ = try ask("POST", "/api/v1/tickets/validate", scan, scanner, nil)
        _ = try ask("GET", "/api/v1/reports/customers/ada-\(mark)", "", organizer, nil)
        _ = try ask("GET", "/api/v1/events/gala/audit", "", organizer, nil)
        _ = try ask("POST", "/api/v1/orders/\(order)/refund", "{}", organizer, nil)
    }

    /// What is refused has secrets in it, too.
    func makeMistakes() throws {
        let reserve = "/api/v1/capacity/floor/reserve"
        _ = try ask("POST", reserve, #"{"quantity":1}"#, "garbage-\(mark)", 401)
        _ = try ask("POST", reserve, #"{"quantity":1}"#, String(customer.dropLast(4)) + "AAAA", 401)
        _ = try ask("POST", reserve, #"{"quantity":"\#(mark)","#, customer, 400)
        _ = try ask("POST", reserve, #"{"quantity":"\#(mark)"}"#, customer, nil)
        _ = try ask("POST", reserve, #"{"quantity":1000}"#, customer, nil)
        _ = try ask("POST", reserve, #"{"quantity":0,"customer_id":"\#(mark)"}"#, organizer, nil)
        _ = try ask("POST", "/api/v1/events", #"{"name":"x"}"#, customer, 403)
        _ = try ask("POST", "/api/v1/events", #"{"id":"\#(mark)","name":"x","currency":"\#(mark)"}"#, organizer, 422)
        _ = try ask("GET", "/api/v1/reservations/rsv_\(mark)", "", customer, 404)
        _ = try ask("GET", "/\(mark)?\(mark)=\(mark)", "", customer, 404)
        _ = try ask("GET", "/api/v1/events?cursor=\(mark)", "", organizer, nil)
        _ = try ask("POST", reserve, String(repeating: mark, count: 10_000), customer, 413)
        for bytes in ["\(mark)\r\n\r\n", "GET /\(mark)\u{1} HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\(mark)\r\n\r\n"] {
            _ = try exchange(bytes)
        }
        // And one that goes away in the middle.
        let descriptor = try LoopbackSocket.connected(to: port)
        let half =
            "POST \(reserve) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(customer)\r\nContent-Length: 99\r\n\r\n\(mark)"
        _ = send(descriptor, half, half.utf8.count, Int32(MSG_NOSIGNAL))
        close(descriptor)
    }

    /// - Parameter status: what the answer must have; nil for any.
    /// - Returns: the whole answer.
    private func ask(_ method: String, _ path: String, _ body: String, _ token: String, _ status: Int?) throws -> String
    {
        requests += 1
        let key = method == "POST" ? "Idempotency-Key: key-\(mark)-\(requests)\r\n" : ""
        let answer = try exchange(
            "\(method) \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
                + "Authorization: Bearer \(token)\r\n\(key)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        if let status { #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(method) \(path): \(answer)") }
        return answer
    }

    private func exchange(_ request: String) throws -> String {
        let descriptor = try LoopbackSocket.connected(to: port)
        defer { close(descriptor) }
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        _ = send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL))
        shutdown(descriptor, Int32(SHUT_WR))
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = recv(descriptor, &chunk, chunk.count, 0), count > 0 { received += chunk[..<count] }
        return String(decoding: received, as: UTF8.self)
    }

    private func found(_ pattern: Regex<(Substring, Substring)>, in answer: String) throws -> String {
        String(try #require(answer.firstMatch(of: pattern), "\(answer)").1)
    }
}
