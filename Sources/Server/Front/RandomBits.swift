import Glibc

/// Random bits from the kernel, fetched some kilobytes at a time, so that a request doesn't wait for the kernel.
struct RandomBits {
    private var words = ContiguousArray<UInt64>(repeating: 0, count: 1_024)
    private var used = 1_024

    mutating func next() -> (UInt64, UInt64) {
        if used + 2 > words.count { refill() }
        defer { used += 2 }
        return (words[used], words[used + 1])
    }

    private mutating func refill() {
        words.withUnsafeMutableBytes { bytes in
            // The kernel gives at most 256 bytes a call.
            for start in stride(from: 0, to: bytes.count, by: 256) {
                precondition(getentropy(bytes.baseAddress! + start, 256) == 0, "the kernel gave no random bytes")
            }
        }
        used = 0
    }
}
