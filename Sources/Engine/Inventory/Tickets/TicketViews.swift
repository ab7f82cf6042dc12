// What answers show of tickets and of orders after the sale. Each is a value of its own, so that a retry is told what the
// first answer told, whatever has happened since.

/// What a ticket is at one moment.
public enum TicketStatus: UInt8, Sendable, CaseIterable {
    case issued = 0
    case checkedIn = 1
    case transferOffered = 2
    /// On its order's page only: it belongs to somebody else by now.
    case transferred = 3
    case refunded = 4
}

/// A ticket's status on its order's page, where it isn't that of a ticket that nothing has happened to.
public struct TicketMark: Equatable, Sendable {
    public var index: UInt32
    public var status: TicketStatus

    package init(index: UInt32, status: TicketStatus) {
        self.index = index
        self.status = status
    }
}

/// Which ticket, and for what place.
public struct TicketPlace: Equatable, Sendable {
    public var id: TicketID
    public var section: SectionNumber
    /// The numbered seat; nil for a place without.
    public var seat: UInt32?

    package init(id: TicketID, section: SectionNumber, seat: UInt32?) {
        self.id = id
        self.section = section
        self.seat = seat
    }
}

/// A check-in as it is shown.
public struct CheckInView: Equatable, Sendable {
    public var scannedAt: Milliseconds
    public var receivedAt: Milliseconds
    /// Empty where none was named.
    public var gate: ShortText

    package init(scannedAt: Milliseconds, receivedAt: Milliseconds, gate: ShortText) {
        self.scannedAt = scannedAt
        self.receivedAt = receivedAt
        self.gate = gate
    }
}

/// A ticket as its holder sees it.
public struct TicketView: Equatable, Sendable {
    public var place: TicketPlace
    /// The secret of the order's id; nil for a holder who isn't the order's customer, and has no right over it.
    public var orderSecret: UInt64?
    public var holder: ShortText
    public var status: TicketStatus
    public var code: TicketCode
    public var checkIn: CheckInView?
    /// Where it is offered.
    public var offer: TransferOffer?
    /// Whether the offer's code is shown: to whoever made it, in the answer that made it.
    public var showsOfferCode = false

    package init(
        place: TicketPlace,
        orderSecret: UInt64?,
        holder: ShortText,
        status: TicketStatus,
        code: TicketCode,
        checkIn: CheckInView? = nil,
        offer: TransferOffer? = nil,
        showsOfferCode: Bool = false
    ) {
        self.place = place
        self.orderSecret = orderSecret
        self.holder = holder
        self.status = status
        self.code = code
        self.checkIn = checkIn
        self.offer = offer
        self.showsOfferCode = showsOfferCode
    }
}

/// What became of a scan.
public enum ScanResult: UInt8, Sendable, CaseIterable {
    case checkedIn = 0
    /// Another scan was the first.
    case alreadyCheckedIn = 1
    case refunded = 2
    /// A code of before the ticket changed hands.
    case void = 3
    /// Not the code of a ticket of this event.
    case unknown = 4
    case eventCancelled = 5
    case gateNotFound = 6
    case gateClosed = 7
    /// The gate is for other sections.
    case wrongGate = 8
    /// The scan's own time is later than any good clock shows.
    case clockAhead = 9
    /// The scan's own time is from long before there was such a ticket.
    case clockBehind = 10
    /// The date that the ticket is for is cancelled.
    case scheduleCancelled = 11
}

/// What a scanner hears of one scan.
public struct ScanOutcome: Equatable, Sendable {
    public var result: ScanResult
    /// Nil for a code that is unknown, and for a gate that is.
    public var ticket: TicketPlace?
    /// This scan's own time and gate.
    public var scannedAt: Milliseconds
    public var gate: ShortText
    /// The scan that counts: this one, the same one sent before, or the one that was first.
    public var checkIn: CheckInView?
    /// When the code became void, or the event or the date was cancelled (of the date nil where nobody knows any more); with a closed gate when it opens; with a clock that is ahead
    /// when the scan came, with one that is behind since when there is the ticket's code.
    public var since: Milliseconds?
    /// With a closed gate, when it closes.
    public var until: Milliseconds?

    package init(
        _ result: ScanResult,
        ticket: TicketPlace? = nil,
        scannedAt: Milliseconds,
        gate: ShortText,
        checkIn: CheckInView? = nil,
        since: Milliseconds? = nil,
        until: Milliseconds? = nil
    ) {
        self.result = result
        self.ticket = ticket
        self.scannedAt = scannedAt
        self.gate = gate
        self.checkIn = checkIn
        self.since = since
        self.until = until
    }
}

/// How an order stands. `refundDue` is never written anywhere: it is any order with tickets left to refund while its event
/// is cancelled.
public enum OrderStatus: UInt8, Sendable, CaseIterable {
    case confirmed, partiallyRefunded, refunded, refundDue
}

/// One page of an event's orders, in the order of their slots.
public struct OrderPage: Equatable, Sendable {
    public var orders: [HoldState]
    public var isEventCancelled: Bool
    /// Where the next page starts; nil when there is nothing behind this one.
    public var next: UInt32?
}

/// What a page of orders is to show.
public struct OrderListing: Equatable, Sendable {
    /// Nil for all.
    public var status: OrderStatus?
    /// The slot to begin at; 0 for the first page.
    public var start: UInt32
    /// 1 to `InventoryLimits.ordersPerPageMax`.
    public var limit: UInt32

    public init(status: OrderStatus? = nil, start: UInt32 = 0, limit: UInt32) {
        self.status = status
        self.start = start
        self.limit = limit
    }
}

/// One scan of a ticket's code.
public struct TicketScan: Equatable, Sendable {
    /// Nil for a text that is no ticket's.
    public var ticket: TicketID?
    public var code: TicketCode
    /// The gate's id; empty for a scan at no gate.
    public var gate: ShortText
    /// Nil for now.
    public var scannedAt: Milliseconds?

    public init(ticket: TicketID?, code: TicketCode, gate: ShortText = .empty, scannedAt: Milliseconds? = nil) {
        self.ticket = ticket
        self.code = code
        self.gate = gate
        self.scannedAt = scannedAt
    }
}
