import Glibc

/// An IP address; one of IPv4 is mapped into IPv6 (`::ffff:192.0.2.1`), so that it is the same however it is written.
struct ClientAddress: Hashable, Sendable {
    /// The longest text of an address.
    private static let textBytesMax = 45

    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// Where nothing is known, as of a peer that has gone.
    static let unknown = ClientAddress(high: 0, low: 0)

    /// Reads an address as `inet_pton` does: dotted IPv4 without leading zeros, or IPv6 without brackets and zone.
    init?(_ text: UnsafeRawBufferPointer) {
        guard (2...Self.textBytesMax).contains(text.count), !text.contains(0) else { return nil }
        var terminated = InlineArray<46, UInt8>(repeating: 0)
        var bytes = InlineArray<16, UInt8>(repeating: 0)
        let isIPv4 = !text.contains(UInt8(ascii: ":"))
        let isRead = withUnsafeMutableBytes(of: &terminated) { source in
            source.copyMemory(from: text)
            return withUnsafeMutableBytes(of: &bytes) { target in
                if isIPv4 { target[10] = 0xFF }
                if isIPv4 { target[11] = 0xFF }
                let place = target.baseAddress! + (isIPv4 ? 12 : 0)
                let characters = source.baseAddress!.assumingMemoryBound(to: CChar.self)
                return inet_pton(isIPv4 ? AF_INET : AF_INET6, characters, place) == 1
            }
        }
        guard isRead else { return nil }
        self = withUnsafeBytes(of: &bytes) { ClientAddress(networkOrder: $0) }
    }

    /// - Parameter bytes: 16.
    init(networkOrder bytes: UnsafeRawBufferPointer) {
        high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Reads an address as proxies write it: alone, with a port, IPv6 in brackets or not (`192.0.2.1:443`, `[2001:db8::1]`).
    init?(hop text: UnsafeRawBufferPointer) {
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")),
                Self.isPort(UnsafeRawBufferPointer(rebasing: text[(end + 1)...]))
            else { return nil }
            let inside = UnsafeRawBufferPointer(rebasing: text[1..<end])
            guard inside.contains(UInt8(ascii: ":")) else { return nil }
            self.init(inside)
        } else if let colon = text.firstIndex(of: UInt8(ascii: ":")), text.lastIndex(of: UInt8(ascii: ":")) == colon {
            guard Self.isPort(UnsafeRawBufferPointer(rebasing: text[colon...])) else { return nil }
            self.init(UnsafeRawBufferPointer(rebasing: text[..<colon]))
        } else {
            self.init(text)
        }
    }

    /// Nothing, or a colon and one to five digits.
    private static func isPort(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let first = text.first else { return true }
        return first == UInt8(ascii: ":") && (2...6).contains(text.count) && text.dropFirst().allSatisfy(\.isDigit)
    }
}

/// The addresses that begin with the same bits.
struct AddressNetwork: Equatable, Sendable {
    let first: ClientAddress
    /// Of an address as it is kept, so 96 more than those of an IPv4 network as it is written.
    let bits: Int

    /// Reads `192.0.2.0/24`, `2001:db8::/32`, or one address.
    /// - Returns: nil for what is neither, also for a network whose address has bits beyond its length.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (1...2).contains(parts.count),
            let address = Array(parts[0].utf8).withUnsafeBytes({ ClientAddress($0) })
        else { return nil }
        let isIPv4 = !parts[0].contains(":")
        var length = 128
        if parts.count == 2 {
            guard parts[1].utf8.count <= 3, parts[1].utf8.allSatisfy(\.isDigit), let written = Int(parts[1]),
                written <= (isIPv4 ? 32 : 128)
            else { return nil }
            length = written + (isIPv4 ? 96 : 0)
        }
        first = Self.masked(address, length)
        bits = length
        guard first == address else { return nil }
    }

    func contains(_ address: ClientAddress) -> Bool { Self.masked(address, bits) == first }

    private static func masked(_ address: ClientAddress, _ bits: Int) -> ClientAddress {
        let high = bits >= 64 ? UInt64.max : ~(UInt64.max >> UInt64(bits))
        let low = bits >= 128 ? UInt64.max : bits <= 64 ? 0 : ~(UInt64.max >> UInt64(bits - 64))
        return ClientAddress(high: address.high & high, low: address.low & low)
    }
}
