/// Where the address of a client stands whose requests come through proxies: in a field that each proxy adds the address to
/// from which it has the request.
///
/// Whoever sends a request can write anything into that field. So it is read from its end, and only as far as who wrote it is
/// trusted: the first address that is no proxy's own is the client's; what stands before it was said by the client.
struct AddressForwarding: Equatable, Sendable {
    static let networksMax = 64

    /// The field's name in lowercase.
    let field: String
    /// Whose word on where a request comes from counts.
    let trusted: [AddressNetwork]
    private let name: [UInt8]

    /// - Parameters:
    ///   - field: a header field's name, in any case.
    ///   - trusted: 1 to `networksMax`.
    init(field: String, trusted: [AddressNetwork]) {
        precondition((1...Self.networksMax).contains(trusted.count), "no proxies, or too many")
        self.field = field.lowercased()
        self.trusted = trusted
        name = Array(self.field.utf8)
    }

    /// Whose request it is.
    /// - Parameters:
    ///   - peer: of the connection.
    ///   - head: of the request, as its parser has accepted it: the request line, the fields, an empty line.
    func client(of peer: ClientAddress, _ head: UnsafeRawBufferPointer) -> ClientAddress {
        guard isTrusted(peer) else { return peer }
        var client = peer
        var end = head.count
        // From the last line back to the second: the first one is the request's.
        while let lineFeed = head.lastLineFeed(before: end) {
            let line = UnsafeRawBufferPointer(rebasing: head[(lineFeed + 1)..<end])
            end = lineFeed
            guard let value = value(of: line) else { continue }
            guard goBack(through: value, &client) else { break }
        }
        return client
    }

    private func isTrusted(_ address: ClientAddress) -> Bool { trusted.contains { $0.contains(address) } }

    /// The field's value, if the line is the field.
    private func value(of line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard line.count > name.count, line[name.count] == UInt8(ascii: ":") else { return nil }
        for index in name.indices where line[index].lowercase != name[index] { return nil }
        var value = UnsafeRawBufferPointer(rebasing: line[(name.count + 1)...])
        if value.last == UInt8(ascii: "\r") { value = UnsafeRawBufferPointer(rebasing: value.dropLast()) }
        return value
    }

    /// Goes through a list from its end.
    /// - Returns: false at the first address that is no proxy's, or at something that is no address.
    private func goBack(through list: UnsafeRawBufferPointer, _ client: inout ClientAddress) -> Bool {
        var end = list.count
        while end >= 0 {
            let comma = list[..<end].lastIndex(of: UInt8(ascii: ",")) ?? -1
            let element = UnsafeRawBufferPointer(rebasing: list[(comma + 1)..<end]).trimmed
            end = comma
            // A list may have empty elements (RFC 9110, 5.6.1).
            if element.isEmpty { continue }
            guard let hop = ClientAddress(hop: element) else { return false }
            client = hop
            guard isTrusted(hop) else { return false }
        }
        return true
    }
}

extension UInt8 {
    /// Of an ASCII letter; everything else is as it is.
    fileprivate var lowercase: UInt8 { self &- UInt8(ascii: "A") < 26 ? self | 0x20 : self }
}

extension UnsafeRawBufferPointer {
    fileprivate func lastLineFeed(before end: Int) -> Int? {
        self[..<end].lastIndex(of: UInt8(ascii: "\n"))
    }
}
