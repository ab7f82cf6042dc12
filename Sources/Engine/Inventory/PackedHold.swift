/// A hold in 48 bytes, which is what a million of them makes necessary. The fields' ranges are those of the rules:
/// nothing is held for more than a day, no line has more than 1,000 places, no event more than 10,000 sections.
///
/// Times are kept from `createdAt` on. What only some holds have (an order, more lines than one) stands elsewhere.
struct PackedHold: Sendable {
    static let none = UInt32.max
    /// The longest from a hold's beginning to its end that there is room for: 34 years.
    static let endedAfterMax: Milliseconds = 1 << 40 - 1
    /// Stands for no order and no further lines.
    static let noExtra: UInt32 = 0xff_ffff

    let secret: UInt64
    /// From the low end: 43 bits of `createdAt`, 2 of status, 4 of lines beyond the first, 1 of `isAnswered`, 14 of the
    /// first line's section.
    private var origin: UInt64
    /// From the low end: 27 bits of the time to the deadline, 27 of that to the first line's lock, 10 of its quantity.
    private var spans: UInt64
    let generation: UInt32
    let customer: UInt32
    /// The chain of the customer's holds while live or confirmed; that of ended slots after that.
    var next: UInt32 = PackedHold.none
    /// The customer's chain backwards; of an ended hold the low half of the time to its end.
    private var link: UInt32 = PackedHold.none
    /// From the low end: 24 bits of `extra`, 8 more of the time to its end.
    private var tail: UInt32 = PackedHold.noExtra
    /// The first line's price; `PriceTable.none` where it has none yet.
    var price: UInt32

    init(_ state: HoldState, customer: UInt32, price: UInt32) {
        let created = UInt64(state.createdAt)
        precondition(created >> 43 == 0 && state.first.section >> 14 == 0 && state.rest.count < 16)
        secret = state.secret
        origin =
            created | UInt64(state.status.rawValue - 1) << 43 | UInt64(state.rest.count) << 45
            | UInt64(state.first.section) << 50
        precondition(state.first.quantity >> 10 == 0)
        spans = UInt64(state.first.quantity) << 54
        generation = state.reference.generation
        self.customer = customer
        self.price = price
        expiresAt = state.expiresAt
        if let lock = state.first.lock { lockedAt = lock.lockedAt }
        if state.status == .released || state.status == .expired { endedAt = state.endedAt }
    }

    var createdAt: Milliseconds { Milliseconds(origin & 0x7ff_ffff_ffff) }

    var status: HoldStatus {
        get { HoldStatus(rawValue: UInt8(truncatingIfNeeded: origin >> 43 & 3) + 1)! }
        set { origin = origin & ~(3 << 43) | UInt64(newValue.rawValue - 1) << 43 }
    }

    var isHeld: Bool { origin >> 43 & 3 == UInt64(HoldStatus.held.rawValue - 1) }

    /// Released or expired: its slot waits to be used again.
    var hasEnded: Bool { status == .released || status == .expired }

    var lineCount: Int { Int(origin >> 45 & 15) + 1 }

    /// Whether an answer kept for retries is made from this slot, which must then outlast it.
    var isAnswered: Bool {
        get { origin >> 49 & 1 == 1 }
        set { origin = origin & ~(1 << 49) | (newValue ? 1 << 49 : 0) }
    }

    var section: SectionNumber { SectionNumber(truncatingIfNeeded: origin >> 50) }

    var quantity: UInt32 { UInt32(truncatingIfNeeded: spans >> 54) }

    var expiresAt: Milliseconds {
        get { createdAt + Milliseconds(spans & 0x7ff_ffff) }
        set { spans = spans & ~0x7ff_ffff | Self.span(createdAt, newValue, bits: 27) }
    }

    /// When the first line got its price; means nothing before.
    var lockedAt: Milliseconds {
        get { createdAt + Milliseconds(spans >> 27 & 0x7ff_ffff) }
        set { spans = spans & ~(0x7ff_ffff << 27) | Self.span(createdAt, newValue, bits: 27) << 27 }
    }

    /// Of a live or confirmed hold.
    var previous: UInt32 {
        get { link }
        set { link = newValue }
    }

    /// Of a released or expired hold, which is out of its customer's chain.
    var endedAt: Milliseconds {
        get { createdAt + Milliseconds(UInt64(tail >> 24) << 32 | UInt64(link)) }
        set {
            let span = Self.span(createdAt, newValue, bits: 40)
            link = UInt32(truncatingIfNeeded: span)
            tail = extra | UInt32(span >> 32) << 24
        }
    }

    /// The number of what not every hold has; `noExtra` where there is nothing.
    var extra: UInt32 {
        get { tail & 0xff_ffff }
        set { tail = tail & 0xff00_0000 | newValue }
    }

    private static func span(_ start: Milliseconds, _ end: Milliseconds, bits: Int) -> UInt64 {
        let span = UInt64(end - start)
        precondition(span >> bits == 0, "a time further from the hold's beginning than any rule allows")
        return span
    }
}
