// What tickets are made of once they are sold. A ticket that nothing has happened to has no state of its own: what it is
// follows from its order.

/// A ticket's identity. The check is a keyed hash under its order's secret: an id can't be guessed, and says nothing of the
/// secret, so it gives no right over the order.
public struct TicketID: Hashable, Sendable {
    public let event: EventKey
    /// The order's place.
    public let reference: HoldReference
    /// Tickets are numbered through the order's lines, from 0.
    public let index: UInt32
    public let check: UInt64

    public init(event: EventKey, reference: HoldReference, index: UInt32, check: UInt64) {
        self.event = event
        self.reference = reference
        self.index = index
        self.check = check
    }

    public init(_ index: UInt32, of order: HoldID) {
        var hash = StableHash(seed: order.secret)
        hash.combine(index)
        self.init(event: order.event, reference: order.reference, index: index, check: hash.finish())
    }
}

/// 128 bits that open something: a ticket's code at the gate, or an offered ticket to whoever was told.
public struct TicketCode: Sendable {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The code of an order's ticket: SipHash twice, each time keyed with one half of the order's secret over the other
    /// half and the index, so that one code says nothing of another.
    ///
    /// - Parameter generation: how often the ticket has changed hands; each time it gets another code.
    public init(secret: (UInt64, UInt64), index: UInt32, generation: Int = 0) {
        func half(key: UInt64, other: UInt64) -> UInt64 {
            var hash = StableHash(seed: key)
            hash.combine(other)
            hash.combine(index)
            // The first code is the one that tickets had before they could change hands.
            if generation > 0 { hash.combine(UInt32(generation)) }
            return hash.finish()
        }
        self.init(high: half(key: secret.0, other: secret.1), low: half(key: secret.1, other: secret.0))
    }
}

extension TicketCode: Equatable {
    /// Takes as long whichever bits differ: how long an answer took says nothing of the code.
    public static func == (left: TicketCode, right: TicketCode) -> Bool {
        (left.high ^ right.high) | (left.low ^ right.low) == 0
    }
}

/// A gate's place among the gates of its event, counted from 0 in order of creation.
public typealias GateNumber = UInt8

/// The scan that let somebody in.
public struct CheckIn: Equatable, Sendable {
    /// When the ticket was scanned, as the scanner tells; `receivedAt` where it doesn't.
    public var scannedAt: Milliseconds
    /// When this engine heard of it.
    public var receivedAt: Milliseconds
    public var gate: GateNumber?

    package init(scannedAt: Milliseconds, receivedAt: Milliseconds, gate: GateNumber?) {
        self.scannedAt = scannedAt
        self.receivedAt = receivedAt
        self.gate = gate
    }
}

/// A ticket that its holder wants to give away.
public struct TransferOffer: Equatable, Sendable {
    /// Whoever has it may take the ticket.
    public var code: TicketCode
    /// The one customer who may take it; empty for whoever has the code.
    public var recipient: ShortText
    public var offeredAt: Milliseconds
    /// From this moment on it can't be taken any more; nil for an offer without an end.
    public var expiresAt: Milliseconds?

    package init(code: TicketCode, recipient: ShortText, offeredAt: Milliseconds, expiresAt: Milliseconds?) {
        self.code = code
        self.recipient = recipient
        self.offeredAt = offeredAt
        self.expiresAt = expiresAt
    }

    func isOpen(at now: Milliseconds) -> Bool { expiresAt.map { now < $0 } ?? true }
}

/// A ticket that has come to another holder.
public struct TicketTransfer: Equatable, Sendable {
    public var holder: ShortText
    /// When; the code of before is void from then on.
    public var at: Milliseconds

    package init(holder: ShortText, at: Milliseconds) {
        self.holder = holder
        self.at = at
    }
}

/// What has happened to one ticket beside a refund.
///
///     issued → checked in ; issued → offered → taken (another holder, another code) | withdrawn
public struct TicketHistory: Equatable, Sendable {
    public var index: UInt32
    public var checkIn: CheckIn?
    // A box, because few tickets change hands and all are checked in.
    private var passing: PassingBox?

    package init(
        index: UInt32,
        checkIn: CheckIn? = nil,
        transfers: [TicketTransfer] = [],
        offer: TransferOffer? = nil
    ) {
        self.index = index
        self.checkIn = checkIn
        passing = transfers.isEmpty && offer == nil ? nil : PassingBox(transfers, offer)
    }

    /// The holders after the order's customer, in turn.
    public var transfers: [TicketTransfer] {
        get { passing?.transfers ?? [] }
        set { passing = newValue.isEmpty && offer == nil ? nil : PassingBox(newValue, offer) }
    }

    /// The last offer that was neither taken nor withdrawn; it may have ended.
    public var offer: TransferOffer? {
        get { passing?.offer }
        set { passing = transfers.isEmpty && newValue == nil ? nil : PassingBox(transfers, newValue) }
    }

    /// Whether nothing has happened, or nothing that counts any more.
    var isEmpty: Bool { checkIn == nil && passing == nil }
}

private final class PassingBox: Equatable, Sendable {
    let transfers: [TicketTransfer]
    let offer: TransferOffer?

    init(_ transfers: [TicketTransfer], _ offer: TransferOffer?) {
        self.transfers = transfers
        self.offer = offer
    }

    static func == (left: PassingBox, right: PassingBox) -> Bool {
        left.transfers == right.transfers && left.offer == right.offer
    }
}

/// A gate: where it is asked for, scans are held against what it is for and when it is open.
public struct GateDetails: Equatable, Sendable {
    public var id: ShortText
    /// At most `InventoryLimits.nameBytesMax` bytes.
    public var name: String
    /// The sections that it is for; empty for all.
    public var sections: [SectionNumber]
    /// It takes scans from `opensAt` up to, not at, `closesAt`; open-ended where nil.
    public var opensAt: Milliseconds?
    public var closesAt: Milliseconds?

    public init(
        id: ShortText,
        name: String = "",
        sections: [SectionNumber] = [],
        opensAt: Milliseconds? = nil,
        closesAt: Milliseconds? = nil
    ) {
        self.id = id
        self.name = name
        self.sections = sections
        self.opensAt = opensAt
        self.closesAt = closesAt
    }
}

extension InventoryLimits {
    public static let gatesPerEventMax = 100
    public static let sectionsPerGateMax = 1_000
    /// Scans in one list.
    public static let scansPerListMax = 500
    /// How often one ticket may change hands.
    public static let transfersPerTicketMax = 10
    /// Slots looked at, and refunds counted, for one page of orders.
    public static let orderPageWorkMax = 32_768
    public static let ordersPerPageMax = 200
}
