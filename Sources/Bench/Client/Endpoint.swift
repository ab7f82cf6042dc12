import Glibc

/// Where requests go: a numeric IPv4 address and a port, from `http://127.0.0.1:8080`.
///
/// The client speaks plain HTTP to numeric addresses only. A load generator that resolves names is one
/// typing error away from loading somebody else's machine.
struct Endpoint: Equatable, Sendable {
    let address: String
    let port: UInt16
    /// The address in network byte order.
    let addressBits: UInt32
    /// What every request says of who asks; nil for nothing.
    var token: String?

    enum ParseError: Error, CustomStringConvertible, Equatable {
        case notPlainHTTP(String)
        case notNumeric(String)
        case badPort(String)
        case notLoopback(String)

        var description: String {
            switch self {
            case .notPlainHTTP(let text): "'\(text)' is not of the form http://127.0.0.1:8080"
            case .notNumeric(let text): "'\(text)' is neither a numeric IPv4 address nor localhost"
            case .badPort(let text): "'\(text)' is not a port between 1 and 65535"
            case .notLoopback(let text): "\(text) is not this machine; load another one only with --allow-remote"
            }
        }
    }

    init(url: String, allowRemote: Bool = false) throws(ParseError) {
        guard url.hasPrefix("http://") else { throw .notPlainHTTP(url) }
        var authority = url.dropFirst("http://".count)
        if authority.hasSuffix("/") { authority = authority.dropLast() }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let host = parts.first, !host.isEmpty, !authority.contains("/") else {
            throw .notPlainHTTP(url)
        }
        let portText = parts.count == 2 ? String(parts[1]) : "80"
        guard let port = UInt16(portText), port > 0 else { throw .badPort(portText) }
        try self.init(address: host == "localhost" ? "127.0.0.1" : String(host), port: port, allowRemote: allowRemote)
    }

    init(address: String, port: UInt16, allowRemote: Bool = false) throws(ParseError) {
        var bits = in_addr()
        guard inet_pton(AF_INET, address, &bits) == 1 else { throw .notNumeric(address) }
        guard allowRemote || UInt32(bigEndian: bits.s_addr) >> 24 == 127 else { throw .notLoopback(address) }
        self.address = address
        self.port = port
        self.addressBits = bits.s_addr
    }

    var authority: String { "\(address):\(port)" }

    /// The header fields that every request has, each with its end of line.
    var fields: String {
        let host = "Host: \(authority)\r\n"
        return token.map { "\(host)Authorization: Bearer \($0)\r\n" } ?? host
    }
}
