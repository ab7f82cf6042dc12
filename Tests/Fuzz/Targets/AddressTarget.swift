import Foundation

@testable import Server

/// The header fields that say who asks, in a request whose other parts are sound: whose address the server takes it for, held
/// against a second reading with other means; and an `Authorization` that nobody signed lets nobody in.
enum AddressTarget {
    private static let networks = ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"]
    private static let forwarding = AddressForwarding(
        field: "X-Forwarded-For",
        trusted: networks.map { AddressNetwork($0)! }
    )
    private static let proxy = ClientAddress(high: 0, low: 0xFFFF_0A00_0001)
    private static let stranger = ClientAddress(high: 0, low: 0xFFFF_C633_6401)

    /// - Parameter input: the header fields, without the empty line behind them.
    static func run(_ input: UnsafeRawBufferPointer) throws(Finding) {
        let head = Array("GET / HTTP/1.1\r\nHost: a\r\n".utf8) + Array(input) + Array("\r\n\r\n".utf8)
        var parser = RequestParser(limits: RequestLimits())
        let outcome = head.withUnsafeBytes { parser.parse($0) }
        // The empty line may have come earlier.
        guard case .request(let request, let consumedBytes) = outcome, request.body.count == 0 else { return }
        let accepted = Array(head[..<consumedBytes])
        let (believed, found) = accepted.withUnsafeBytes {
            (forwarding.client(of: stranger, $0), forwarding.client(of: proxy, $0))
        }
        guard believed == stranger else { throw Finding("somebody who is no proxy is believed") }
        let expected = client(accepted)
        guard found == expected else { throw Finding("the client is \(found), and should be \(expected)") }
        guard accepted.withUnsafeBytes({ isTokenTrimmed($0[request.authorization]) }) else {
            throw Finding("a token with blanks around it")
        }
    }

    private static func isTokenTrimmed(_ field: UnsafeRawBufferPointer) -> Bool {
        guard let token = TokenCache.token(in: field) else { return true }
        return field.count > token.count + 6 && token.first != 0x20 && token.first != 0x09 && token.last != 0x20
            && token.last != 0x09
    }

    // MARK: - The second reading

    /// From the front, with strings: the addresses in order, then from the last one back.
    private static func client(_ head: [UInt8]) -> ClientAddress {
        // One character a byte, so that nothing is joined or lost.
        let text = String(String.UnicodeScalarView(head.map { Unicode.Scalar($0) }))
        var hops: [String] = []
        for line in text.components(separatedBy: "\r\n").dropFirst() {
            guard let colon = line.unicodeScalars.firstIndex(of: ":") else { continue }
            let name = String(line.unicodeScalars[..<colon])
            guard isForwardedFor(name) else { continue }
            let value = String(line.unicodeScalars[line.unicodeScalars.index(after: colon)...])
            hops += value.components(separatedBy: ",").map {
                $0.trimmingCharacters(in: CharacterSet(charactersIn: " \t"))
            }
        }
        var client = proxy
        for hop in hops.reversed() where !hop.isEmpty {
            guard let address = address(hop) else { break }
            client = address
            if !isTrusted(address) { break }
        }
        return client
    }

    private static func isForwardedFor(_ name: String) -> Bool {
        name.unicodeScalars.allSatisfy(\.isASCII) && name.lowercased() == "x-forwarded-for"
    }

    private static func isTrusted(_ address: ClientAddress) -> Bool {
        if address.high == 0, address.low >> 32 == 0xFFFF {
            return address.low >> 24 & 0xFF == 10 || address.low & 0xFFFF_FFFF == 0xC000_0201
        }
        return address.high >> 32 == 0x2001_0DB8
    }

    private static func address(_ hop: String) -> ClientAddress? {
        let expressions = [
            #"^([0-9.]+)(:[0-9]{1,5})?$"#, #"^\[([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)\](:[0-9]{1,5})?$"#,
            #"^([0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)$"#,
        ]
        for expression in expressions {
            let whole = NSRange(hop.startIndex..., in: hop)
            guard let match = try! NSRegularExpression(pattern: expression).firstMatch(in: hop, range: whole),
                match.range == whole, let inside = Range(match.range(at: 1), in: hop)
            else { continue }
            return numeric(String(hop[inside]))
        }
        return nil
    }

    /// As `getaddrinfo` reads it, where that is how it is written: it takes `1.2` and `0x7f000001`, too.
    private static func numeric(_ text: String) -> ClientAddress? {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST
        hints.ai_family = text.contains(":") ? AF_INET6 : AF_INET
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(text, nil, &hints, &found) == 0, let found else { return nil }
        defer { freeaddrinfo(found) }
        let raw = UnsafeRawBufferPointer(start: found.pointee.ai_addr, count: Int(found.pointee.ai_addrlen))
        guard text.contains(":") else {
            let parts = text.components(separatedBy: ".")
            guard parts.count == 4, parts.allSatisfy({ "\(Int($0) ?? -1)" == $0 }) else { return nil }
            return ClientAddress(
                high: 0,
                low: 0xFFFF_0000_0000 | UInt64(UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
            )
        }
        return ClientAddress(networkOrder: UnsafeRawBufferPointer(rebasing: raw[8..<24]))
    }

    static var seeds: [[UInt8]] {
        [
            "X-Forwarded-For: 198.51.100.1", "x-forwarded-for:198.51.100.1, 10.0.0.2\r\nX-Forwarded-For: 2001:db8::1",
            "X-Forwarded-For: [2001:db9::1]:443, 192.0.2.1:80,,", "X-Forwarded-For: junk, 10.1.1.1\r\nAccept: */*",
            "Authorization: Bearer e30.e30.e30",
            "Authorization: bearer \t x\r\nX-Forwarded-For: ::ffff:10.0.0.1, 01.2.3.4",
        ].map { Array($0.utf8) }
    }
}
