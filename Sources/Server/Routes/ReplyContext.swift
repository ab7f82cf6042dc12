import Engine

/// What rendering needs of a request once its bytes are gone: a plain value to be kept with the pending reply.
struct ReplyContext: Sendable {
    /// What a success looks like. For a change it follows from the request alone, so that a retry gets the same.
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
        /// The results of a list of so many scans that names no event: its codes do.
        case scans(count: Int)
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
    /// The client's X-Request-Id; empty where there was none, or one that is not 1 to 64 visible ASCII characters.
    var clientRequestID: ShortText = .empty
    /// The client's If-None-Match.
    var known = EntityTags()

    /// What the request is called in its answer and in the log: as the client calls it, else as we do. Valid inside
    /// `body` only.
    func withRequestID<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        if clientRequestID.isEmpty { return try requestID.withBytes(body) }
        return try clientRequestID.withBytes(body)
    }
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
/// It comes from the idempotency key where there is one, so that a retry gets the same bytes. The text is made when it is
/// asked for.
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
        let shown = isRandom ? (hash(Self.seeds.0), hash(Self.seeds.1)) : (high, low)
        var text = InlineArray<36, UInt8>(repeating: 0)
        return try withUnsafeMutableBytes(of: &text) { raw in
            func store(_ word: UInt64, _ offset: Int) {
                let (first, second) = (Self.digits(UInt32(word >> 32)), Self.digits(UInt32(truncatingIfNeeded: word)))
                raw.storeBytes(of: first.littleEndian, toByteOffset: offset, as: UInt64.self)
                raw.storeBytes(of: second.littleEndian, toByteOffset: offset + 8, as: UInt64.self)
            }
            raw.storeBytes(of: UInt32(bigEndian: 0x7265_715f), as: UInt32.self)
            store(shown.0, 4)
            store(shown.1, 20)
            return try body(UnsafeRawBufferPointer(raw))
        }
    }

    /// Eight hexadecimal digits, the first one in the lowest byte. All at once, because every answer shows some.
    private static func digits(_ word: UInt32) -> UInt64 {
        var digits = UInt64(word & 0xffff) << 32 | UInt64(word >> 16)
        digits = (digits & 0x0000_00ff_0000_00ff) << 16 | (digits & 0x0000_ff00_0000_ff00) >> 8
        digits = (digits & 0x000f_000f_000f_000f) << 8 | (digits & 0x00f0_00f0_00f0_00f0) >> 4
        let letters = ((digits &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return digits &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
    }

    /// Of this process and told nobody, so that nobody can search for the bits behind a hash.
    private static let seeds = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))

    /// The same random bits may become a reservation's secret, so only a keyed hash of them is ever shown.
    private func hash(_ seed: UInt64) -> UInt64 {
        var hash = StableHash(seed: seed)
        hash.combine(high)
        hash.combine(low)
        return hash.finish()
    }
}
