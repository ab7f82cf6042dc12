/// SipHash-1-3 with a key of our own: the same value in every process and on every machine, unlike `Hasher`.
///
/// It spreads load and tells apart what is the same from what is not; it guards no secret.
public struct StableHash: Sendable {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    private var tail: UInt64 = 0
    private var length: UInt64 = 0

    public init(seed: UInt64 = 0) {
        v0 = 0x736f_6d65_7073_6575 ^ seed
        v1 = 0x646f_7261_6e64_6f6d
        v2 = 0x6c79_6765_6e65_7261 ^ seed
        v3 = 0x7465_6462_7974_6573
    }

    private mutating func round() {
        v0 &+= v1
        v1 = (v1 << 13 | v1 >> 51) ^ v0
        v0 = v0 << 32 | v0 >> 32
        v2 &+= v3
        v3 = (v3 << 16 | v3 >> 48) ^ v2
        v0 &+= v3
        v3 = (v3 << 21 | v3 >> 43) ^ v0
        v2 &+= v1
        v1 = (v1 << 17 | v1 >> 47) ^ v2
        v2 = v2 << 32 | v2 >> 32
    }

    private mutating func absorb(_ word: UInt64) {
        v3 ^= word
        round()
        v0 ^= word
    }

    public mutating func combine(_ bytes: UnsafeRawBufferPointer) {
        var index = 0
        // Bits of the word that is being filled; whole words go in across its end.
        let filled = (length & 7) * 8
        while index + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            absorb(tail | word &<< filled)
            tail = filled == 0 ? 0 : word &>> (64 &- filled)
            index += 8
        }
        length &+= UInt64(index)
        while index < bytes.count {
            tail |= UInt64(bytes[index]) << ((length & 7) * 8)
            length &+= 1
            index += 1
            if length & 7 == 0 {
                absorb(tail)
                tail = 0
            }
        }
    }

    public mutating func combine<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { combine($0) }
    }

    public consuming func finish() -> UInt64 {
        absorb(tail | (length & 0xff) << 56)
        v2 ^= 0xff
        round()
        round()
        round()
        return v0 ^ v1 ^ v2 ^ v3
    }
}
