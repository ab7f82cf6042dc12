/// A piece of a stream's body, made once and sent to any number of connections: its bytes are never copied.
///
/// It is laid out as a chunk of HTTP/1.1's chunked coding (RFC 9112, 7.1), a fixed-width size in front; a connection
/// without that coding sends the part between.
// Sound because nothing writes to the bytes once the chunk is made.
final class StreamChunk: @unchecked Sendable {
    private static let sizeDigits = 8
    private static let headBytes = sizeDigits + 2
    private static let tailBytes = 2

    private let writer: ByteWriter

    /// - Parameters:
    ///   - capacity: bytes of payload expected.
    ///   - write: appends the payload, 1 byte to 256 MiB.
    init(capacity: Int = 256, _ write: (inout ByteWriter) -> Void) {
        var writer = ByteWriter(capacity: capacity + Self.headBytes + Self.tailBytes)
        writer.append("00000000\r\n")
        write(&writer)
        let size = writer.count - Self.headBytes
        precondition(size > 0 && size <= 1 << 28, "a chunk without payload ends the body, and one has a limit")
        writer.append("\r\n")
        for digit in 0..<Self.sizeDigits {
            let value = UInt8(truncatingIfNeeded: size >> (4 * (Self.sizeDigits - 1 - digit))) & 15
            writer.overwrite(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10, at: digit)
        }
        self.writer = writer
    }

    private init(raw text: StaticString) {
        var writer = ByteWriter(capacity: 64)
        writer.append(text)
        self.writer = writer
    }

    /// Ends a chunked body.
    static let end = StreamChunk(raw: "0\r\n\r\n")

    /// A comment of an event stream: it says nothing but that the connection is alive.
    static let heartbeat = StreamChunk { $0.append(":\n\n") }

    /// With its chunked coding.
    var byteCount: Int { writer.count }

    /// What goes to the socket; stays where it is as long as the chunk.
    func bytes(isChunked: Bool) -> UnsafeRawBufferPointer {
        let all = writer.withBytes { $0 }
        if isChunked { return all }
        return UnsafeRawBufferPointer(rebasing: all[Self.headBytes..<(all.count - Self.tailBytes)])
    }
}
