import Engine
import WAL

/// What is asked of the log: an event's audit trail, or all that happened to the tenant's events.
struct FeedReading: Sendable {
    enum Kind: Sendable {
        /// Of the event with this id.
        case audit(event: ShortText)
        case feed
    }

    static let limitMax: UInt32 = 200

    var kind: Kind
    var tenant: ShortText
    /// The last position that the caller has; nil to begin with the oldest that there is.
    var after: UInt64?
    /// The last position that the caller wants; nil for no end.
    var through: UInt64?
    /// Positions of a page, 1 to `limitMax`.
    var limit: UInt32
    /// A line an entry instead of one object.
    var isLines = false
    var reply: ReplyContext
}

extension Router {
    /// Both begin with the oldest record there is, where nothing else is said.
    func feed(_ endpoint: Endpoint, _ name: PercentText?, _ call: Call) throws(Problem) -> RoutedRequest {
        var reading = FeedReading(
            kind: .feed,
            tenant: call.context.tenant,
            limit: try call.limit(max: FeedReading.limitMax) ?? FeedReading.limitMax,
            reply: call.reply
        )
        if endpoint == .feed {
            if call.accepts("text/event-stream") { return try feedStream(call) }
            reading.after = try call.position("after", from: 0)
            reading.isLines = call.accepts("application/x-ndjson")
            return .feed(reading)
        }
        guard let id = name?.shortText else { throw Problem(.eventNotFound, of: NoEvent()) }
        reading.kind = .audit(event: id)
        reading.after = try call.position("from", from: 1).map { $0 - 1 }
        reading.through = try call.position("to", from: 1)
        if let cursor = try call.parameter("cursor") {
            guard let after = Cursor.position(cursor.content) else { throw Call.invalidCursor }
            reading.after = after
        }
        return .feed(reading)
    }
}

extension Call {
    /// A position of the log in the query.
    func position(_ name: StaticString, from lowest: Int64) throws(Problem) -> UInt64? {
        guard let text = try parameter(name) else { return nil }
        guard let position = text.integer(in: lowest...Int64.max) else {
            throw .validationFailed([.init(field: "\(name)", message: "must be a position of the log, from \(lowest)")])
        }
        return UInt64(position)
    }

    /// Whether the client names a media type among those that it takes.
    /// - Parameter type: in lowercase.
    func accepts(_ type: StaticString) -> Bool {
        for element in bytes[request.accept].split(separator: UInt8(ascii: ","), maxSplits: 16) {
            let name = UnsafeRawBufferPointer(rebasing: element.prefix { $0 != UInt8(ascii: ";") }).trimmed
            if name.equalsLowercase(type) { return true }
        }
        return false
    }
}

extension Cursor {
    /// - Returns: the position that the page begins behind; nil for a text that `text(position:)` doesn't make.
    static func position(_ text: UnsafeRawBufferPointer) -> UInt64? {
        var bytes = InlineArray<9, UInt8>(repeating: 0)
        guard withUnsafeMutableBytes(of: &bytes, { Base64URL.decode(text, into: $0) }), bytes[0] == 0 else {
            return nil
        }
        var position: UInt64 = 0
        for index in 1..<9 { position = position << 8 | UInt64(bytes[index]) }
        return position
    }

    /// Nine bytes, the first of them 0: whole groups of three.
    static func text(position: UInt64) -> String {
        var bytes: [UInt8] = [0]
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: position >> shift))
        }
        return text(bytes)
    }
}
