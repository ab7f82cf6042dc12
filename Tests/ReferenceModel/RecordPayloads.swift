import WAL

extension RecordBuffer {
    /// The payload of every ended record.
    var payloads: [[UInt8]] {
        withBytes { bytes in
            var payloads: [[UInt8]] = []
            var offset = 0
            while offset < bytes.count {
                let length = Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                let start = offset + Self.frameHeaderBytes
                payloads.append(Array(bytes[start..<start + length]))
                offset = (start + length + 7) & ~7
            }
            return payloads
        }
    }
}
