/// The bytes of a request, laid out once: at run time two copies and a few digits make the next one.
///
///     POST /api/v1/reservations/‹id›/confirm HTTP/1.1 … Idempotency-Key: 5f0c93aa-0000000017 … {"payment_…"}
///     └────────── before ─────┘     └────────────────────────── after ───────────────────────────────┘
///
/// Every number is written with the same count of digits, so Content-Length never changes.
struct RequestTemplate {
    static let counterDigits = 10
    /// Stands in the body for the digits of the request's number.
    static let counterMark = "##########"

    let before: [UInt8]
    let after: [UInt8]
    /// Where in `after` the request's number goes: in the idempotency key, and in the body if it asks for it.
    let counterOffsets: [Int]

    /// - Parameters:
    ///   - path: the target, with one `*` where an id is to be put in, if it takes one, and `counterMark` behind
    ///     that wherever the request's number is wanted.
    ///   - body: JSON, with `counterMark` wherever the request's number is wanted; nil for a request that only reads.
    init(method: String, path: String, body: String?, endpoint: Endpoint, runPrefix: String) {
        let pathParts = path.split(separator: "*", omittingEmptySubsequences: false)
        precondition(pathParts.count <= 2, "at most one place for an id in \(path)")
        var head = " HTTP/1.1\r\n\(endpoint.fields)"
        if let body {
            head += """
                Content-Type: application/json\r
                Idempotency-Key: \(runPrefix)-\(Self.counterMark)\r
                Content-Length: \(body.utf8.count)\r

                """
        }
        let start = pathParts.count == 2 ? "\(method) \(pathParts[0])" : "\(method) "
        let rest = (pathParts.last ?? "") + head + "\r\n" + (body ?? "")
        before = Array(start.utf8)
        after = Array(rest.utf8)
        counterOffsets = Self.offsets(of: Array(Self.counterMark.utf8), in: after)
    }

    /// A request that only reads.
    static func get(_ path: String, endpoint: Endpoint) -> RequestTemplate {
        RequestTemplate(method: "GET", path: path, body: nil, endpoint: endpoint, runPrefix: "")
    }

    private static func offsets(of mark: [UInt8], in bytes: [UInt8]) -> [Int] {
        var found: [Int] = []
        var index = 0
        while index + mark.count <= bytes.count {
            if bytes[index..<(index + mark.count)].elementsEqual(mark) {
                found.append(index)
                index += mark.count
            } else {
                index += 1
            }
        }
        return found
    }
}
