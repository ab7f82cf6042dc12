import Glibc

/// Reads the head of one HTTP/1.1 response and says when its body is complete.
///
/// The bytes of a response gather at the front of one buffer. After each read the whole of what is there is
/// offered again; the parser keeps its place, so a response that comes byte by byte is still read once.
///
///     readingHead → readingBody → complete ; reset() → readingHead
///
/// It knows what a load generator's server sends: a status, Content-Length, Connection, Retry-After. Chunked bodies,
/// interim responses and pipelined answers are errors, since none of ours are sent and a client that
/// guessed would measure the wrong thing.
struct ResponseParser {
    enum ParseError: Error, Equatable {
        case malformed
        case chunked
        case interim
        /// More bytes than the one response that was asked for.
        case trailingBytes
    }

    static let headBytesMax = 16 * 1024
    static let bodyBytesMax = 64 * 1024 * 1024

    private(set) var status = 0
    private(set) var closesConnection = false
    private(set) var hasRetryAfter = false
    private(set) var headBytes = 0
    private(set) var bodyBytes = 0
    /// Start of the line that is being looked for; everything before has been read.
    private var lineStart = 0
    /// How far the search for that line's end has come.
    private var searched = 0
    private var hasHead = false
    private var hasLength = false

    mutating func reset() {
        self = ResponseParser()
    }

    var totalBytes: Int { headBytes + bodyBytes }

    /// Looks at everything received so far of this response; true once it is complete.
    mutating func parse(_ bytes: UnsafeRawBufferPointer) throws(ParseError) -> Bool {
        if !hasHead { try parseHead(bytes) }
        guard hasHead else {
            if bytes.count > Self.headBytesMax { throw .malformed }
            return false
        }
        if bytes.count > totalBytes { throw .trailingBytes }
        return bytes.count == totalBytes
    }

    private mutating func parseHead(_ bytes: UnsafeRawBufferPointer) throws(ParseError) {
        guard let base = bytes.baseAddress else { return }
        while searched < bytes.count {
            guard let newline = memchr(base + searched, 0x0A, bytes.count - searched) else {
                searched = bytes.count
                return
            }
            let lineEnd = UnsafeRawPointer(newline) - base
            guard lineEnd > lineStart, bytes[lineEnd - 1] == UInt8(ascii: "\r") else { throw .malformed }
            let line = UnsafeRawBufferPointer(rebasing: bytes[lineStart..<(lineEnd - 1)])
            let isStatusLine = lineStart == 0
            lineStart = lineEnd + 1
            searched = lineStart
            if isStatusLine {
                try readStatusLine(line)
            } else if line.isEmpty {
                return try finishHead()
            } else {
                try readField(line)
            }
        }
    }

    private mutating func finishHead() throws(ParseError) {
        let hasNoBody = status == 204 || status == 304
        guard hasLength || hasNoBody else { throw .malformed }
        if hasNoBody { bodyBytes = 0 }
        headBytes = lineStart
        hasHead = true
    }

    /// `HTTP/1.1 200 OK`
    private mutating func readStatusLine(_ line: UnsafeRawBufferPointer) throws(ParseError) {
        guard line.count >= 12, line.starts(with: "HTTP/1.".utf8), line[8] == UInt8(ascii: " ") else {
            throw .malformed
        }
        var value = 0
        for index in 9..<12 {
            let digit = Int(line[index]) - 0x30
            guard 0...9 ~= digit else { throw .malformed }
            value = value * 10 + digit
        }
        guard 100...599 ~= value else { throw .malformed }
        if value < 200 { throw .interim }
        status = value
        closesConnection = line[7] == UInt8(ascii: "0")
    }

    /// Most fields are of no interest: their first letter and length tell.
    @inline(__always)
    private mutating func readField(_ line: UnsafeRawBufferPointer) throws(ParseError) {
        let first = line[0] | 0x20
        guard first == UInt8(ascii: "c") || first == UInt8(ascii: "t") || first == UInt8(ascii: "r") else { return }
        if let value = Self.value(of: line, named: "content-length") {
            try readLength(value)
        } else if let value = Self.value(of: line, named: "connection") {
            closesConnection = Self.equals(value, "close")
        } else if let value = Self.value(of: line, named: "retry-after") {
            hasRetryAfter = !value.isEmpty
        } else if Self.value(of: line, named: "transfer-encoding") != nil {
            throw .chunked
        }
    }

    private mutating func readLength(_ value: UnsafeRawBufferPointer) throws(ParseError) {
        guard !value.isEmpty, !hasLength else { throw .malformed }
        var length = 0
        for byte in value {
            let digit = Int(byte) - 0x30
            guard 0...9 ~= digit else { throw .malformed }
            length = length * 10 + digit
            if length > Self.bodyBytesMax { throw .malformed }
        }
        bodyBytes = length
        hasLength = true
    }

    /// The value of a field without the spaces around it, if the field has this (lower-case) name.
    private static func value(of line: UnsafeRawBufferPointer, named name: StaticString) -> UnsafeRawBufferPointer? {
        let nameLength = name.utf8CodeUnitCount
        guard line.count > nameLength, line[nameLength] == UInt8(ascii: ":"),
            equals(UnsafeRawBufferPointer(rebasing: line[..<nameLength]), name)
        else { return nil }
        var lower = nameLength + 1
        var upper = line.count
        while lower < upper, line[lower] == 0x20 || line[lower] == 0x09 { lower += 1 }
        while upper > lower, line[upper - 1] == 0x20 || line[upper - 1] == 0x09 { upper -= 1 }
        return UnsafeRawBufferPointer(rebasing: line[lower..<upper])
    }

    /// Compares without regard to the case of ASCII letters; `name` is in lower case.
    private static func equals(_ bytes: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
        guard bytes.count == name.utf8CodeUnitCount else { return false }
        for index in 0..<bytes.count {
            let byte = bytes[index]
            let lowered = 0x41...0x5A ~= byte ? byte | 0x20 : byte
            if lowered != name.utf8Start[index] { return false }
        }
        return true
    }
}
