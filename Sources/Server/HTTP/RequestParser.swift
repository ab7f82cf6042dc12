import Glibc

/// Reads HTTP/1.1 requests from the bytes a connection has gathered, line by line, without copying or allocating.
///
/// A strict subset on purpose, because two servers that read the same bytes differently are how requests are
/// smuggled: origin-form targets, one `Host`, `Content-Length` at most once and no `Transfer-Encoding`, lines end
/// with CRLF, no folded lines, no blanks before the colon. Whatever is accepted here, llhttp reads the same way;
/// the tests hold the two against each other.
///
/// The parser remembers how far it has looked: bytes that arrive one by one are each looked at once.
struct RequestParser: Sendable {
    enum Outcome: Equatable {
        /// The bytes end within a request.
        case needMore
        /// A request, and how many bytes it is long. The parser stands before the next one.
        case request(HTTPRequest, consumedBytes: Int)
        /// Bytes this server does not accept; nothing after them can be read.
        case failure(HTTPRejection)
    }

    private enum Phase { case requestLine, fields, body }

    private let limits: RequestLimits
    private var phase = Phase.requestLine
    private var request = HTTPRequest()
    /// Where the line being read begins, and up to where it has been searched for its end.
    private var lineStart = 0
    private var scanned = 0
    private var fieldCount = 0
    private var hasHost = false
    private var expectsContinue = false
    private var contentLength: Int?

    init(limits: RequestLimits) { self.limits = limits }

    /// Whether the head of a request is complete that asks for a `100 Continue` before its body.
    var awaitsContinue: Bool { phase == .body && expectsContinue }

    /// Offset of the first byte of the body, once the head is complete.
    var bodyStart: Int { lineStart }

    /// Length of the request whose body is awaited, in bytes; 0 before that.
    var requestBytes: Int { phase == .body ? bodyStart + (contentLength ?? 0) : 0 }

    /// Bytes of the body that is awaited, where it is larger than most routes accept.
    var largeBodyBytes: Int? {
        guard phase == .body, let contentLength, contentLength > limits.bodyBytesMax else { return nil }
        return contentLength
    }

    /// Where the X-Request-Id of the request is whose bytes are being read.
    var requestId: ByteRange { request.requestId }

    /// Reads one request.
    /// - Parameter bytes: everything from the first byte of the request on; at each call the same bytes as at the
    ///   call before, and more.
    mutating func parse(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        do {
            if phase == .requestLine { try refuseForeignProtocol(bytes) }
            while phase != .body {
                guard let line = try nextLine(bytes) else { return .needMore }
                try read(line, in: bytes)
            }
        } catch {
            return .failure(error)
        }
        let end = bodyStart + (contentLength ?? 0)
        guard bytes.count >= end else { return .needMore }
        request.body = ByteRange(bodyStart..<end)
        let complete = request
        self = RequestParser(limits: limits)
        return .request(complete, consumedBytes: end)
    }

    /// TLS and other protocols may never send a line feed: their first byte tells.
    private func refuseForeignProtocol(_ bytes: UnsafeRawBufferPointer) throws(HTTPRejection) {
        guard let first = bytes.first, !ASCIISet.token.contains(first) else { return }
        throw .malformed("The request does not begin with a method.")
    }

    /// The next line without its CRLF, or nil when it is not complete yet.
    private mutating func nextLine(_ bytes: UnsafeRawBufferPointer) throws(HTTPRejection) -> Range<Int>? {
        guard let lineFeed = bytes.firstIndex(ofLineFeedFrom: scanned) else {
            scanned = bytes.count
            try checkLength(atLeast: bytes.count + 1)
            return nil
        }
        scanned = lineFeed + 1
        try checkLength(atLeast: scanned)
        guard lineFeed > lineStart, bytes[lineFeed - 1] == UInt8(ascii: "\r") else {
            throw .malformed("A line does not end with CR LF.")
        }
        defer { lineStart = scanned }
        return lineStart..<(lineFeed - 1)
    }

    private func checkLength(atLeast headBytes: Int) throws(HTTPRejection) {
        if phase == .requestLine, headBytes > limits.requestLineBytesMax { throw .targetTooLong }
        if headBytes > limits.headBytesMax { throw .headTooLarge }
    }

    private mutating func read(_ line: Range<Int>, in bytes: UnsafeRawBufferPointer) throws(HTTPRejection) {
        if phase == .requestLine {
            try readRequestLine(line, in: bytes)
            phase = .fields
        } else if line.isEmpty {
            try finishHead(bytes)
            phase = .body
        } else {
            try readField(line, in: bytes)
        }
    }

    private mutating func finishHead(_ bytes: UnsafeRawBufferPointer) throws(HTTPRejection) {
        if !hasHost, !request.isVersion10 { throw .malformed("There is no Host field.") }
        guard let length = contentLength, length > limits.bodyBytesMax else { return }
        let limit = limits.bodyBytesMaxOfRoute?(request.method, bytes[request.path]) ?? limits.bodyBytesMax
        if length > limit { throw .bodyTooLarge }
    }
}

// MARK: - Request line

extension RequestParser {
    private mutating func readRequestLine(
        _ line: Range<Int>,
        in bytes: UnsafeRawBufferPointer
    ) throws(HTTPRejection) {
        let text = UnsafeRawBufferPointer(rebasing: bytes[line])
        guard let methodEnd = text.firstIndex(of: UInt8(ascii: " ")) else {
            throw .malformed("The request line is not: method, target, version.")
        }
        guard let targetEnd = text[(methodEnd + 1)...].firstIndex(of: UInt8(ascii: " ")) else {
            throw .malformed("The request line is not: method, target, version.")
        }
        let method = UnsafeRawBufferPointer(rebasing: text[..<methodEnd])
        guard !method.isEmpty, ASCIISet.token.containsAll(of: method) else {
            throw .malformed("The method is not a token.")
        }
        request.method = HTTPMethod(name: method)
        try readVersion(UnsafeRawBufferPointer(rebasing: text[(targetEnd + 1)...]))
        try readTarget((line.lowerBound + methodEnd + 1)..<(line.lowerBound + targetEnd), in: bytes)
    }

    private mutating func readVersion(_ version: UnsafeRawBufferPointer) throws(HTTPRejection) {
        if version.equals("HTTP/1.1") { return }
        if version.equals("HTTP/1.0") {
            request.isVersion10 = true
            request.keepAlive = false
            return
        }
        let isVersion =
            version.count == 8 && UnsafeRawBufferPointer(rebasing: version[..<5]).equals("HTTP/")
            && version[5].isDigit && version[6] == UInt8(ascii: ".") && version[7].isDigit
        throw isVersion ? .version : .malformed("The request line does not end with an HTTP version.")
    }

    private mutating func readTarget(_ target: Range<Int>, in bytes: UnsafeRawBufferPointer) throws(HTTPRejection) {
        guard !target.isEmpty, bytes[target.lowerBound] == UInt8(ascii: "/") else {
            throw .malformed("The target is not a path.")
        }
        let pathCharacters = ASCIISet.path
        var pathEnd = target.lowerBound
        while pathEnd < target.upperBound, pathCharacters.contains(bytes[pathEnd]) { pathEnd += 1 }
        request.path = ByteRange(target.lowerBound..<pathEnd)
        if pathEnd == target.upperBound { return }
        let query = (pathEnd + 1)..<target.upperBound
        guard bytes[pathEnd] == UInt8(ascii: "?"),
            ASCIISet.query.containsAll(of: UnsafeRawBufferPointer(rebasing: bytes[query]))
        else { throw .malformed("The target has a character that must be percent-encoded.") }
        request.query = ByteRange(query)
    }
}

// MARK: - Header fields

extension RequestParser {
    private mutating func readField(_ line: Range<Int>, in bytes: UnsafeRawBufferPointer) throws(HTTPRejection) {
        fieldCount += 1
        if fieldCount > limits.headerFieldsMax { throw .headTooLarge }
        let nameCharacters = ASCIISet.token
        var nameEnd = line.lowerBound
        while nameEnd < line.upperBound, nameCharacters.contains(bytes[nameEnd]) { nameEnd += 1 }
        // A folded line begins with a blank, and one before the colon ends the name early: both are refused here.
        guard nameEnd > line.lowerBound, nameEnd < line.upperBound, bytes[nameEnd] == UInt8(ascii: ":") else {
            throw .malformed("A header field is not: name, colon, value.")
        }
        let value = Self.trim((nameEnd + 1)..<line.upperBound, in: bytes)
        guard Self.isFieldValue(UnsafeRawBufferPointer(rebasing: bytes[value])) else {
            throw .malformed("A header field has a control character.")
        }
        let name = UnsafeRawBufferPointer(rebasing: bytes[line.lowerBound..<nameEnd])
        try note(HeaderField(name: name), value: value, in: bytes)
    }

    private mutating func note(
        _ field: HeaderField,
        value: Range<Int>,
        in bytes: UnsafeRawBufferPointer
    ) throws(HTTPRejection) {
        switch field {
        case .unknown: break
        case .host: try noteHost(UnsafeRawBufferPointer(rebasing: bytes[value]))
        case .contentLength: try noteContentLength(UnsafeRawBufferPointer(rebasing: bytes[value]))
        case .transferEncoding: throw .transferEncoding
        case .connection:
            if UnsafeRawBufferPointer(rebasing: bytes[value]).listContains("close") { request.keepAlive = false }
        case .expect:
            guard UnsafeRawBufferPointer(rebasing: bytes[value]).equalsLowercase("100-continue") else {
                throw .expectation
            }
            expectsContinue = !request.isVersion10
        case .accept: if request.accept.isAbsent { request.accept = ByteRange(value) }
        case .idempotencyKey: try Self.setOnce(&request.idempotencyKey, value)
        case .tenantId: try Self.setOnce(&request.tenantId, value)
        case .customerId: try Self.setOnce(&request.customerId, value)
        case .contentType: try Self.setOnce(&request.contentType, value)
        case .ifMatch: try Self.setOnce(&request.ifMatch, value)
        case .ifNoneMatch: try Self.setOnce(&request.ifNoneMatch, value)
        case .requestId: try Self.setOnce(&request.requestId, value)
        case .authorization: try Self.setOnce(&request.authorization, value)
        case .lastEventId: try Self.setOnce(&request.lastEventId, value)
        }
    }

    private static func setOnce(_ place: inout ByteRange, _ value: Range<Int>) throws(HTTPRejection) {
        guard place.isAbsent else { throw .malformed("A header field that may be sent once was sent twice.") }
        place = ByteRange(value)
    }

    private mutating func noteHost(_ host: UnsafeRawBufferPointer) throws(HTTPRejection) {
        guard !hasHost else { throw .malformed("There is more than one Host field.") }
        guard !host.isEmpty, ASCIISet.host.containsAll(of: host) else {
            throw .malformed("The Host field is not a host.")
        }
        hasHost = true
    }

    /// Digits only: no sign, no list, no blanks. A number too large for the machine is a body too large for us.
    private mutating func noteContentLength(_ digits: UnsafeRawBufferPointer) throws(HTTPRejection) {
        guard contentLength == nil else { throw .malformed("There is more than one Content-Length field.") }
        guard !digits.isEmpty, digits.allSatisfy(\.isDigit) else {
            throw .malformed("The Content-Length is not a number.")
        }
        // 2^40 is beyond every limit and within 32-bit ranges' reach of being refused, never used.
        var length = 0
        for digit in digits where length < 1 << 40 { length = length * 10 + Int(digit - UInt8(ascii: "0")) }
        contentLength = length
    }

    private static func trim(_ value: Range<Int>, in bytes: UnsafeRawBufferPointer) -> Range<Int> {
        var start = value.lowerBound
        var end = value.upperBound
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while end > start, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        return start..<end
    }

    /// Visible characters, blanks, tabs, and bytes from 128 on. Without an early exit, so that it vectorises.
    private static func isFieldValue(_ value: UnsafeRawBufferPointer) -> Bool {
        var controls: UInt8 = 0
        for byte in value { controls |= (byte < 0x20 && byte != 0x09) || byte == 0x7F ? 1 : 0 }
        return controls == 0
    }
}

extension HTTPMethod {
    /// Methods are case-sensitive.
    init(name: UnsafeRawBufferPointer) {
        switch name.count {
        case 3: self = name.equals("GET") ? .get : name.equals("PUT") ? .put : .other
        case 4: self = name.equals("POST") ? .post : name.equals("HEAD") ? .head : .other
        case 5: self = name.equals("PATCH") ? .patch : .other
        case 6: self = name.equals("DELETE") ? .delete : .other
        case 7: self = name.equals("OPTIONS") ? .options : .other
        default: self = .other
        }
    }
}

extension UInt8 {
    var isDigit: Bool { self &- UInt8(ascii: "0") < 10 }
}

extension UnsafeRawBufferPointer {
    fileprivate func firstIndex(ofLineFeedFrom start: Int) -> Int? {
        guard let base = baseAddress, start < count,
            let found = memchr(base + start, Int32(UInt8(ascii: "\n")), count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
