/// The methods a route can ask for; every other token is `other` and left to the routes to refuse.
enum HTTPMethod: UInt8, Sendable {
    case get, head, post, put, delete, patch, options, other
}

/// One request, as places in its own bytes: nothing is copied out of them.
struct HTTPRequest: Equatable, Sendable {
    var method = HTTPMethod.other
    /// False when the client, or its HTTP/1.0, wants the connection closed after the answer.
    var keepAlive = true
    var isVersion10 = false

    /// The target up to the `?`; begins with `/`, still percent-encoded.
    var path = ByteRange.absent
    /// What follows the `?`, still percent-encoded; absent without a `?`.
    var query = ByteRange.absent
    /// Empty when there is no body.
    var body = ByteRange.absent

    // Values without the blanks around them; each field was sent at most once, `accept` is the first of several.
    var idempotencyKey = ByteRange.absent
    var tenantId = ByteRange.absent
    var customerId = ByteRange.absent
    var contentType = ByteRange.absent
    var ifMatch = ByteRange.absent
    var ifNoneMatch = ByteRange.absent
    var requestId = ByteRange.absent
    var authorization = ByteRange.absent
    var accept = ByteRange.absent
    var lastEventId = ByteRange.absent
}
