import Glibc

/// Reads the statuses of a batch's answer, `{"status":200,…`, from bytes that come in pieces, and looks at nothing else.
struct AnswerLineScanner {
    private static let prefix: StaticString = "{\"status\":"
    private static let prefixCount = 10

    private(set) var lines = 0
    /// Bytes of the line that have been looked at; the status stands behind the prefix.
    private var column = 0
    private var status = 0

    /// Calls `answered` with the number and the status of each line that begins in `bytes`; 0 for a line that is none.
    @inline(__always)
    mutating func scan(_ bytes: UnsafeRawBufferPointer, _ answered: (_ line: Int, _ status: Int) -> Void) {
        guard let base = bytes.baseAddress else { return }
        var index = 0
        while index < bytes.count {
            if column < Self.prefixCount + 3 {
                take(bytes[index])
                index += 1
                if column == Self.prefixCount + 3 { answered(lines, max(0, status)) }
                continue
            }
            guard let end = memchr(base + index, 0x0A, bytes.count - index) else { return }
            index = UnsafeRawPointer(end) - base + 1
            lines += 1
            column = 0
            status = 0
        }
    }

    @inline(__always)
    private mutating func take(_ byte: UInt8) {
        if column < Self.prefixCount {
            if byte != Self.prefix.utf8Start[column] { status = .min / 2 }
        } else {
            status = status &* 10 &+ Int(byte & 0x0F)
        }
        column += 1
    }
}
