import Glibc

/// The bytes of one batch, laid out once: before each sending only the numbers in its lines change.
///
/// The memory belongs to whoever made it and is freed by `deallocate()`.
struct BatchRequestBytes {
    private let storage: UnsafeMutableRawBufferPointer
    /// Where each line's numbers go.
    private let counterOffsets: [[Int]]
    private(set) var sentCount = 0

    /// - Parameter lines: JSON, each with `RequestTemplate.counterMark` wherever its number is wanted.
    init(lines: [String], endpoint: Endpoint) {
        let mark = Array(RequestTemplate.counterMark.utf8)
        let body = lines.joined(separator: "\n") + "\n"
        let head = """
            POST /api/v1/batch HTTP/1.1\r
            \(endpoint.fields)Content-Type: application/x-ndjson\r
            Content-Length: \(body.utf8.count)\r
            \r

            """
        let bytes = Array(head.utf8) + Array(body.utf8)
        storage = .allocate(byteCount: bytes.count, alignment: 64)
        storage.copyBytes(from: bytes)
        var offsets: [[Int]] = []
        var start = head.utf8.count
        for line in lines {
            let utf8 = Array(line.utf8)
            let found = utf8.indices.filter { utf8[$0...].starts(with: mark) }
            offsets.append(found.map { start + $0 })
            start += utf8.count + 1
        }
        counterOffsets = offsets
    }

    func deallocate() { storage.deallocate() }

    var lineCount: Int { counterOffsets.count }
    var unsent: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[sentCount...]) }

    mutating func markSent(_ bytes: Int) { sentCount += bytes }

    /// Makes a new batch of it: its lines get the numbers from `first` on.
    mutating func renumber(from first: UInt64) {
        sentCount = 0
        var number = first
        for offsets in counterOffsets {
            for offset in offsets { write(number, at: offset) }
            number += 1
        }
    }

    private func write(_ number: UInt64, at offset: Int) {
        var rest = number
        var position = offset + RequestTemplate.counterDigits
        while position > offset {
            position -= 1
            storage[position] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}
