import Glibc

/// The header fields that mean something to this server; all others are checked for form and passed over.
enum HeaderField {
    case host, contentLength, transferEncoding, connection, expect
    case idempotencyKey, tenantId, customerId, contentType, ifMatch, ifNoneMatch, requestId
    case authorization, accept, lastEventId
    case unknown

    /// - Parameter name: token characters only.
    init(name: UnsafeRawBufferPointer) {
        switch name.count {
        case 4: self = name.equalsLowercase("host") ? .host : .unknown
        case 6: self = name.equalsLowercase("accept") ? .accept : name.equalsLowercase("expect") ? .expect : .unknown
        case 8: self = name.equalsLowercase("if-match") ? .ifMatch : .unknown
        case 10: self = name.equalsLowercase("connection") ? .connection : .unknown
        case 11: self = name.equalsLowercase("x-tenant-id") ? .tenantId : .unknown
        case 12: self = Self.ofTwelve(name)
        case 13: self = Self.ofThirteen(name)
        case 14: self = name.equalsLowercase("content-length") ? .contentLength : .unknown
        case 15: self = name.equalsLowercase("idempotency-key") ? .idempotencyKey : .unknown
        case 17: self = name.equalsLowercase("transfer-encoding") ? .transferEncoding : .unknown
        default: self = .unknown
        }
    }

    private static func ofTwelve(_ name: UnsafeRawBufferPointer) -> HeaderField {
        if name.equalsLowercase("content-type") { return .contentType }
        return name.equalsLowercase("x-request-id") ? .requestId : .unknown
    }

    private static func ofThirteen(_ name: UnsafeRawBufferPointer) -> HeaderField {
        if name.equalsLowercase("authorization") { return .authorization }
        if name.equalsLowercase("x-customer-id") { return .customerId }
        if name.equalsLowercase("if-none-match") { return .ifNoneMatch }
        return name.equalsLowercase("last-event-id") ? .lastEventId : .unknown
    }
}

extension UnsafeRawBufferPointer {
    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return count == 0 || memcmp(baseAddress!, text.utf8Start, count) == 0
    }

    /// Compares without regard to case.
    /// - Parameter text: lowercase letters, digits and `-` only; setting bit 5 then maps no other token
    ///   character onto one of them.
    func equalsLowercase(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        let expected = text.utf8Start
        for index in 0..<count where self[index] | 0x20 != expected[index] { return false }
        return true
    }

    /// Without blanks and tabs at both ends.
    var trimmed: UnsafeRawBufferPointer {
        var start = 0
        var end = count
        while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
        while end > start, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: self[start..<end])
    }

    /// Whether a comma-separated list names `token`, given in lowercase.
    func listContains(_ token: StaticString) -> Bool {
        var start = 0
        while start <= count {
            var end = start
            while end < count, self[end] != UInt8(ascii: ",") { end += 1 }
            let element = UnsafeRawBufferPointer(rebasing: self[start..<end]).trimmed
            if element.equalsLowercase(token) { return true }
            start = end + 1
        }
        return false
    }
}
