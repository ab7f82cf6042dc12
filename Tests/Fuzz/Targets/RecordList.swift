import WAL

/// A list of payloads as one input: for each two bytes of length, the highest bit set for a record of a snapshot, then the
/// payload. What doesn't fit ends the list.
public enum RecordList {
    struct Entry {
        var isSnapshot: Bool
        var payload: [UInt8]
    }

    static let payloadBytesMax = 0x7fff

    static func decode(_ input: UnsafeRawBufferPointer) -> [Entry] {
        var entries: [Entry] = []
        var offset = 0
        while offset + 2 <= input.count {
            let head = UInt16(input[offset]) | UInt16(input[offset + 1]) << 8
            let end = offset + 2 + Int(head & 0x7fff)
            guard end <= input.count else { break }
            entries.append(Entry(isSnapshot: head & 0x8000 != 0, payload: Array(input[offset + 2..<end])))
            offset = end
        }
        return entries
    }

    static func encode(_ entries: [Entry]) -> [UInt8] {
        var bytes: [UInt8] = []
        for entry in entries where entry.payload.count <= payloadBytesMax {
            let head = UInt16(entry.payload.count) | (entry.isSnapshot ? 0x8000 : 0)
            bytes += [UInt8(truncatingIfNeeded: head), UInt8(head >> 8)]
            bytes += entry.payload
        }
        return bytes
    }

    /// Changes one record, or their order, and keeps the list a list.
    /// - Parameters:
    ///   - buffer: the input, and the room it may grow into.
    ///   - mutateBytes: changes bytes in place and says how many there are then.
    /// - Returns: how long the input is now.
    public static func mutate(
        _ buffer: UnsafeMutableRawBufferPointer,
        count: Int,
        seed: UInt32,
        _ mutateBytes: (UnsafeMutableRawBufferPointer, Int) -> Int
    ) -> Int {
        var entries = decode(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        var random = InputRandom(seed: UInt64(seed))
        guard !entries.isEmpty else { return mutateBytes(buffer, count) }
        let index = Int.random(in: 0..<entries.count, using: &random)
        let other = Int.random(in: 0..<entries.count, using: &random)
        switch Int.random(in: 0..<12, using: &random) {
        case 0: entries.remove(at: index)
        case 1: entries.insert(entries[index], at: other)
        case 2: entries.swapAt(index, other)
        case 3: entries.removeSubrange((index + 1)...)
        case 4: entries[index].payload = Array(entries[index].payload.prefix(17) + entries[other].payload.dropFirst(17))
        default: entries[index].payload = mutated(entries[index].payload, mutateBytes)
        }
        let bytes = encode(entries)
        guard bytes.count <= buffer.count else { return count }
        buffer.copyBytes(from: bytes)
        return bytes.count
    }

    private static func mutated(
        _ payload: [UInt8],
        _ mutateBytes: (UnsafeMutableRawBufferPointer, Int) -> Int
    ) -> [UInt8] {
        var bytes = payload + Array(repeating: 0, count: 64)
        let count = bytes.withUnsafeMutableBytes { mutateBytes($0, payload.count) }
        return Array(bytes.prefix(count))
    }
}
