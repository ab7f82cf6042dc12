import Auth
import Engine

/// One request on its way through the router: its bytes, who asks, and what rendering will need.
struct Call {
    let request: HTTPRequest
    let bytes: UnsafeRawBufferPointer
    /// Without its tenant, principal and key until `readHeaders`.
    private(set) var context: CommandContext
    var reply: ReplyContext
    /// What the token says that the caller is; nil where no tokens are asked for.
    private(set) var role: Role?
    /// From when on the caller's token is not accepted any more; nil where there is none.
    private(set) var acceptedUntil: Milliseconds?
    /// The key that the token was verified with.
    private(set) var tokenKey: UInt64?

    init(
        _ request: HTTPRequest,
        _ bytes: UnsafeRawBufferPointer,
        now: Milliseconds,
        random: (UInt64, UInt64)
    ) {
        self.request = request
        self.bytes = bytes
        context = CommandContext(tenant: Self.defaultTenant, now: now, random: random)
        reply = ReplyContext(requestID: RequestID(random: random))
        reply.isHead = request.method == .head
        reply.clientRequestID = Self.visible(bytes[request.requestId]) ?? .empty
        let isRead = request.method == .get || request.method == .head
        if isRead, !request.ifNoneMatch.isAbsent { reply.known = EntityTags(bytes[request.ifNoneMatch], weak: true) }
    }

    var body: UnsafeRawBufferPointer { bytes[request.body] }

    // MARK: - Header fields

    /// Whose data it is where nobody says.
    static let defaultTenant: ShortText = "default"
    static let idempotencyKeyBytesMax = 255

    /// Reads who asks, and the key for retries of a change.
    mutating func readHeaders(
        _ caller: Authorization,
        isChange: Bool,
        _ requiresIdempotencyKey: Bool,
        _ endpoint: Endpoint
    ) throws(Problem) {
        if case .known(let caller) = caller {
            try readHeaders(of: caller)
        } else {
            try readHeadersOfAnybody()
        }
        guard isChange else { return }
        guard !request.idempotencyKey.isAbsent else {
            if requiresIdempotencyKey { throw .idempotencyKeyRequired }
            return
        }
        try readIdempotencyKey(bytes[request.idempotencyKey], endpoint)
    }

    /// A token says whose data it is, and a customer's token who the customer is; what header fields say of it is passed
    /// over where it could be said. Everybody else may act for a customer.
    private mutating func readHeaders(of caller: KnownCaller) throws(Problem) {
        if !request.tenantId.isAbsent { _ = try tenant() }
        context.tenant = caller.tenant
        context.actor = caller.subject
        role = caller.role
        acceptedUntil = caller.acceptedUntil
        tokenKey = caller.key
        if !request.customerId.isAbsent { context.principal = try customer() }
        if caller.role == .customer { context.principal = caller.subject }
    }

    private mutating func readHeadersOfAnybody() throws(Problem) {
        if !request.tenantId.isAbsent { context.tenant = try tenant() }
        if !request.customerId.isAbsent { context.principal = try customer() }
        context.actor = context.principal
    }

    private func tenant() throws(Problem) -> ShortText {
        guard let tenant = Self.visible(bytes[request.tenantId]) else {
            throw .invalidHeader("X-Tenant-Id must be 1 to 64 visible ASCII characters.")
        }
        return tenant
    }

    private func customer() throws(Problem) -> ShortText {
        guard let customer = Self.visible(bytes[request.customerId]) else {
            throw .invalidHeader("X-Customer-Id must be 1 to 64 visible ASCII characters.")
        }
        return customer
    }

    private mutating func readIdempotencyKey(
        _ key: UnsafeRawBufferPointer,
        _ endpoint: Endpoint
    ) throws(Problem) {
        guard Self.isIdempotencyKey(key) else {
            throw .invalidHeader("Idempotency-Key must be 1 to 255 visible ASCII characters.")
        }
        let identity = IdempotencyKey(
            tenant: context.tenant,
            principal: context.actor,
            key: key,
            fingerprint: endpoint.isSale ? 0 : fingerprint
        )
        context.idempotency = identity
        reply.requestID = RequestID(identity)
    }

    static func isIdempotencyKey(_ key: UnsafeRawBufferPointer) -> Bool {
        (1...idempotencyKeyBytesMax).contains(key.count) && isVisible(key)
    }

    /// What tells a retry from another request with the same key: method, path and body, as they were sent. A command
    /// of the sale has a fingerprint of its own.
    private var fingerprint: UInt64 {
        let path = bytes[request.path]
        var hash = StableHash(seed: 0x6669_6e67_6572_7072)
        hash.combine(UInt64(request.method.rawValue))
        hash.combine(UInt64(path.count))
        hash.combine(body)
        hash.combine(path)
        return hash.finish()
    }

    /// 128 bits for an id that the client didn't choose: the same ones when it tries again with the same key.
    var generatedBits: (high: UInt64, low: UInt64) {
        if let key = context.idempotency { return (key.high, key.low) }
        return context.random
    }

    static func visible(_ bytes: UnsafeRawBufferPointer) -> ShortText? {
        guard !bytes.isEmpty, isVisible(bytes) else { return nil }
        return ShortText(utf8: bytes)
    }

    private static func isVisible(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    // MARK: - Body

    /// Reads the body's members with `read`, and refuses what isn't JSON, or isn't said to be.
    func readBody<Fields>(
        _ read: (inout BodyReader) throws(JSONError) -> Fields
    ) throws(Problem) -> (Fields, BodyReader) {
        if !body.isEmpty, !Self.isType(bytes[request.contentType], "json") { throw .unsupportedMediaType }
        var reader = BodyReader(body)
        do throws(JSONError) {
            let fields = try read(&reader)
            return (fields, reader)
        } catch {
            throw .malformedBody(error)
        }
    }

    /// Reads over a body that says nothing: the route takes none, but clients send `{}`.
    func readEmptyBody() throws(Problem) {
        _ = try readBody { body throws(JSONError) in try body.readOver() }
    }

    /// Whether the field says `application/` and the subtype, in any case, with or without parameters.
    /// - Parameter subtype: in lowercase.
    static func isType(_ contentType: UnsafeRawBufferPointer, _ subtype: StaticString) -> Bool {
        let end = contentType.firstIndex(of: UInt8(ascii: ";")) ?? contentType.count
        let type = UnsafeRawBufferPointer(rebasing: contentType[..<end]).trimmed
        guard type.count > 12, type[11] == UInt8(ascii: "/") else { return false }
        return UnsafeRawBufferPointer(rebasing: type[..<11]).equalsLowercase("application")
            && UnsafeRawBufferPointer(rebasing: type[12...]).equalsLowercase(subtype)
    }

    // MARK: - Query

    /// The page that `limit` and `cursor` ask for.
    func page(limitMax: UInt32 = Page.limitMax) throws(Problem) -> Page {
        var page = Page()
        page.limit = try limit(max: limitMax) ?? limitMax
        if let cursor = try parameter("cursor") {
            guard let start = Cursor.start(cursor.content) else { throw Self.invalidCursor }
            page.start = start
        }
        return page
    }

    /// The query's `limit`, 1 to `max`.
    func limit(max: UInt32) throws(Problem) -> UInt32? {
        guard let text = try parameter("limit") else { return nil }
        guard let limit = text.integer(in: 1...Int64(max)) else {
            throw .validationFailed([.init(field: "limit", message: "must be from 1 to \(max)")])
        }
        return UInt32(limit)
    }

    func parameter(_ name: StaticString) throws(Problem) -> PercentText? {
        do throws(QueryString.Failure) {
            return try QueryString(bytes[request.query]).value(of: name)
        } catch {
            throw .malformedTarget
        }
    }

    static var invalidCursor: Problem {
        .validationFailed([.init(field: "cursor", message: "must be the next_cursor of the page before")])
    }

    // MARK: - Results

    func submission(_ event: EventKey, _ command: Command) -> RoutedRequest {
        .submission(RoutedSubmission(event: event, work: .command(command), context: context, reply: reply))
    }

    /// A command that comes singly only, and is for a customer.
    func customersOwn(_ event: EventKey, _ command: Command) -> RoutedRequest {
        var context = context
        if let key = context.idempotency { context.identify(by: key.fingerprint) }
        return .submission(RoutedSubmission(event: event, work: .command(command), context: context, reply: reply))
    }

    /// A command of the sale. Its fingerprint is made of what it asks for, so that it is the same in a batch.
    func sale(_ event: EventKey, _ command: Command) -> RoutedRequest {
        var context = context
        if let key = context.idempotency {
            // Of a route whose commands have come in batches from the beginning there is none, which is 0.
            context.earlierFingerprints.0 = key.fingerprint
            context.identify(by: command.fingerprint(of: event, isNoContent: reply.shape == .noContent))
        }
        return .submission(RoutedSubmission(event: event, work: .command(command), context: context, reply: reply))
    }

    func submission(_ event: EventKey, _ query: Query) -> RoutedRequest {
        .submission(RoutedSubmission(event: event, work: .query(query), context: context, reply: reply))
    }

    func readThenWrite(
        _ event: EventKey,
        _ change: ReadThenWrite.Change,
        expected: EntityTags? = nil
    ) -> RoutedRequest {
        .readThenWrite(
            ReadThenWrite(event: event, change: change, context: context, reply: reply, expected: expected)
        )
    }
}

extension PercentText {
    /// The text as an id; nil when no id is like it.
    var shortText: ShortText? {
        let text = isEncoded ? ShortText(makeString()) : ShortText(utf8: content)
        return text.flatMap { $0.isEmpty ? nil : $0 }
    }
}
