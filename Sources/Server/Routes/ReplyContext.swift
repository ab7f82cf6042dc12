import Engine

/// What rendering needs of a request once its bytes are gone: a plain value to be kept with the pending reply.
struct ReplyContext: Sendable {
    /// What a success looks like. For a change it follows from method and path alone, so that a retry gets the same.
    enum Shape: Equatable, Sendable {
        case ok
        /// 201, and `Location` where the thing can be read.
        case created
        /// 204: the change speaks for itself.
        case noContent
        /// The sum of an event's sections.
        case total
        /// One page of a list.
        case page(Page)
        /// The head of a stream, which is all that HEAD asks for.
        case stream
        /// An image of what a ticket's code carries.
        case image
        /// One page of an event's orders.
        case orders(OrderListing)
    }

    /// What the path names. Ids carry their event, so an id that was made up leads to an event that isn't there; the
    /// client asked for this, and is told that this isn't there.
    enum Subject: Equatable, Sendable {
        case event, venue, capacity, pricing, reservation, order, ticket

        var missing: Rejection {
            switch self {
            case .event: .eventNotFound
            case .venue: .venueNotFound
            case .capacity: .sectionNotFound
            case .pricing: .tierNotFound
            case .reservation: .reservationNotFound
            case .order: .orderNotFound
            case .ticket: .noSuchTicket
            }
        }
    }

    var shape = Shape.ok
    var subject = Subject.event
    /// HEAD: the head of the answer only.
    var isHead = false
    var requestID: RequestID
    /// The client's X-Request-Id; empty where there was none, or one of more than 64 bytes.
    var clientRequestID: ShortText = .empty
    /// The client's If-None-Match.
    var known = EntityTags()
}

/// One page of a list, counted from 0.
struct Page: Equatable, Sendable {
    static let limitMax: UInt32 = 200

    /// How many come before the page.
    var start: UInt32 = 0
    /// How many the page may have; 1 to `limitMax`, or what its list allows.
    var limit: UInt32 = limitMax
}

/// The name of a request in problems and logs: `req_` and 32 hexadecimal digits.
///
/// It comes from the idempotency key where there is one, so that a retry gets the same bytes. Most requests never show
/// theirs: the text is made when it is asked for.
struct RequestID: Equatable, Sendable {
    private let high: UInt64
    private let low: UInt64
    private let isRandom: Bool

    init(_ key: IdempotencyKey) {
        high = key.high
        low = key.low
        isRandom = false
    }

    init(random: (UInt64, UInt64)) {
        (high, low) = random
        isRandom = true
    }

    /// The text. Valid inside `body` only.
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        let shown = isRandom ? (hash(0x7265_7175_6573_7431), hash(0x7265_7175_6573_7432)) : (high, low)
        var text = InlineArray<36, UInt8>(repeating: 0)
        return try withUnsafeMutableBytes(of: &text) { raw in
            raw.copyBytes(from: "req_".utf8)
            for index in 0..<32 {
                let word = index < 16 ? shown.0 : shown.1
                let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - index % 16 * 4)) & 15
                raw[4 + index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            }
            return try body(UnsafeRawBufferPointer(raw))
        }
    }

    /// The same random bits may become a reservation's secret, so only a hash of them is ever shown.
    private func hash(_ seed: UInt64) -> UInt64 {
        var hash = StableHash(seed: seed)
        hash.combine(high)
        hash.combine(low)
        return hash.finish()
    }
}
