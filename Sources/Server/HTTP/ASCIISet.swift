/// A set of ASCII characters, one bit each; bytes from 128 on are in none.
struct ASCIISet: Sendable {
    private let low: UInt64
    private let high: UInt64

    init(_ characters: StaticString) {
        var low: UInt64 = 0
        var high: UInt64 = 0
        characters.withUTF8Buffer { bytes in
            for byte in bytes {
                precondition(byte < 128)
                if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte - 64) }
            }
        }
        self.low = low
        self.high = high
    }

    func contains(_ byte: UInt8) -> Bool {
        let half = byte < 64 ? low : high
        return byte < 128 && (half >> UInt64(byte & 63)) & 1 == 1
    }

    func containsAll(of bytes: UnsafeRawBufferPointer) -> Bool {
        for byte in bytes where !contains(byte) { return false }
        return true
    }

    /// What methods and field names are made of (RFC 9110, 5.6.2).
    static let token = ASCIISet("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    /// Path segments, the slashes between them and `%` (RFC 3986, 3.3).
    static let path = ASCIISet("/-._~!$&'()*+,;=:@%0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    /// The query (RFC 3986, 3.4), and the brackets that query builders leave as they are.
    static let query = ASCIISet("?[]/-._~!$&'()*+,;=:@%0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    /// Host names, addresses and ports (RFC 3986, 3.2.2), without user information.
    static let host = ASCIISet("[]:-._~!$&'()*+,;=%0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
}
