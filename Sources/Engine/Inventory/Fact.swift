/// What happened to an event: the only thing that changes its state, and the only thing the log keeps.
public enum Fact: Equatable, Sendable {
    indirect case eventCreated(tenant: ShortText, EventDetails, at: Milliseconds)
    indirect case eventUpdated(EventDetails)
    case eventStatusChanged(EventStatus)
    indirect case sectionAdded(SectionDetails)
    indirect case sectionUpdated(SectionNumber, SectionDetails)
    /// The number is what it has within the event; earlier builds didn't write it.
    indirect case tierAdded(PriceTierDetails, number: TierNumber?)
    indirect case tierUpdated(TierNumber, PriceTierDetails)
    case holdPlaced(HoldState)
    case lineLocked(HoldReference, line: UInt8, tier: TierNumber, PriceLock)
    case holdExtended(HoldReference, expiresAt: Milliseconds)
    case holdConfirmed(HoldReference, OrderBox)
    case holdReleased(HoldReference, at: Milliseconds)
    case holdExpired(HoldReference, at: Milliseconds)
    case ticketsRefunded(HoldReference, tickets: [UInt32], restock: Bool)
    /// The first ones make the section one of numbered seats.
    case seatsAdded(SectionNumber, [SeatRow])
    case seatsBlocked(SectionNumber, [SeatRun])
    case seatsUnblocked(SectionNumber, [SeatRun])
    indirect case scheduleAdded(ScheduleDetails)
    indirect case scheduleUpdated(ScheduleNumber, ScheduleDetails)
    /// A tenant's own inventory begins, which its venues belong to.
    case tenantBegun(tenant: ShortText, at: Milliseconds)
    indirect case venueAdded(VenueDetails, at: Milliseconds)
    indirect case venueUpdated(VenueDetails)
    case ticketCheckedIn(HoldReference, ticket: UInt32, CheckIn)
    /// In place of an earlier offer of the ticket that has ended.
    case transferOffered(HoldReference, ticket: UInt32, TransferOffer)
    case transferWithdrawn(HoldReference, ticket: UInt32)
    case transferAccepted(HoldReference, ticket: UInt32, TicketTransfer)
    /// A new gate, or another form of the one with the same id.
    indirect case gateSet(GateDetails)
    /// The event is called off; its live holds end with it, each by a fact that follows.
    case eventCancelled(at: Milliseconds)
    /// In snapshots only, behind the orders: what has happened to single tickets.
    case ticketsRestored(HoldReference, [TicketHistory])
    /// In snapshots only: when the event was called off.
    case cancellationRestored(at: Milliseconds)
    /// In snapshots only: the event itself; its sections and tiers follow, one by one.
    indirect case eventRestored(EventRestored)
    /// In snapshots only: a price tier at its version.
    indirect case tierRestored(PriceTierDetails, version: UInt32)
    /// In snapshots only: a slot of the slab, with its order where it has one.
    case holdRestored(HoldState)
    /// In snapshots only, behind everything that changes seats: how often the section's seats have changed.
    case seatRevisionRestored(SectionNumber, revision: UInt64)
    /// In snapshots only: ended slots in the order in which they will be used again.
    case endedSlotsRestored([UInt32])
    /// In snapshots only, before the sections: a schedule at its version.
    indirect case scheduleRestored(ScheduleDetails, version: UInt32)
    /// In snapshots only, behind the schedule: since when it is cancelled. Earlier builds didn't keep it.
    case scheduleCancellationRestored(ScheduleNumber, at: Milliseconds)
    /// In snapshots only: a tenant's inventory itself; its venues follow.
    case tenantRestored(tenant: ShortText, createdAt: Milliseconds, lastCommandAt: Milliseconds)
    /// In snapshots only: a venue at its version.
    indirect case venueRestored(VenueView)
    /// In snapshots only: an answer kept for retries.
    case answerRestored(IdempotencyKey, at: Milliseconds, [UInt8])
    /// In snapshots only, in front of the holds, whose sales are in it: what reports show. The two that follow go on with it.
    indirect case salesRestored(SalesTotals)
    /// In snapshots only: sums of sections or tiers, behind those before, by number.
    case salesSumsRestored(SalesGroup, [SalesSums])
    /// In snapshots only: sums of days, behind those before.
    case salesDaysRestored([DaySales])
}

/// A line of a hold. A price lock belongs to the line, so that nobody else's hold or price change can move it.
public struct HoldLine: Equatable, Sendable {
    public var section: SectionNumber
    public var quantity: UInt32
    public var tier: TierNumber?
    public var lock: PriceLock?

    public init(section: SectionNumber, quantity: UInt32, tier: TierNumber? = nil, lock: PriceLock? = nil) {
        self.section = section
        self.quantity = quantity
        self.tier = tier
        self.lock = lock
    }
}

/// The price that a line was promised: per ticket, in minor units, with the tier's version at that moment.
public struct PriceLock: Equatable, Sendable {
    public var tierVersion: UInt32
    public var unitPrice: Int64
    public var serviceFee: Int64
    public var facilityFee: Int64
    public var taxBasisPoints: UInt32
    public var lockedAt: Milliseconds

    package init(
        tierVersion: UInt32,
        unitPrice: Int64,
        serviceFee: Int64,
        facilityFee: Int64,
        taxBasisPoints: UInt32,
        lockedAt: Milliseconds
    ) {
        self.tierVersion = tierVersion
        self.unitPrice = unitPrice
        self.serviceFee = serviceFee
        self.facilityFee = facilityFee
        self.taxBasisPoints = taxBasisPoints
        self.lockedAt = lockedAt
    }
}

/// A hold whole: in the fact that places it, in snapshots, and in answers.
public struct HoldState: Equatable, Sendable {
    public var reference: HoldReference
    public var secret: UInt64
    public var customer: ShortText
    public var status: HoldStatus
    public var createdAt: Milliseconds
    public var expiresAt: Milliseconds
    /// When it was confirmed, released or expired; 0 while held.
    public var endedAt: Milliseconds
    public var first: HoldLine
    // A box and not the arrays, so that the common hold is copied without a reference to be counted.
    private var further: FurtherBox?
    public var order: OrderBox?

    package init(
        reference: HoldReference,
        secret: UInt64,
        customer: ShortText,
        status: HoldStatus,
        createdAt: Milliseconds,
        expiresAt: Milliseconds,
        endedAt: Milliseconds,
        first: HoldLine,
        rest: [HoldLine],
        seats: [SeatRun] = [],
        order: OrderBox?
    ) {
        self.reference = reference
        self.secret = secret
        self.customer = customer
        self.status = status
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.endedAt = endedAt
        self.first = first
        self.order = order
        further = rest.isEmpty && seats.isEmpty ? nil : FurtherBox(rest, seats)
    }

    /// The lines behind the first.
    public var rest: [HoldLine] {
        get { further?.lines ?? [] }
        set { further = newValue.isEmpty && !hasSeats ? nil : FurtherBox(newValue, seats) }
    }

    public var hasSeats: Bool { further.map { !$0.seats.isEmpty } ?? false }

    /// The numbered seats, in the order of the lines and of their positions; none for lines without.
    public var seats: [SeatRun] { further?.seats ?? [] }

    func with(seats: [SeatRun]) -> HoldState {
        var hold = self
        hold.further = rest.isEmpty && seats.isEmpty ? nil : FurtherBox(rest, seats)
        return hold
    }

    public var lineCount: Int { 1 + (further?.lines.count ?? 0) }

    public subscript(line index: Int) -> HoldLine {
        get { index == 0 ? first : rest[index - 1] }
        set { if index == 0 { first = newValue } else { rest[index - 1] = newValue } }
    }

    /// Tickets of all lines.
    public var quantity: UInt32 {
        guard let further else { return first.quantity }
        return further.lines.reduce(first.quantity) { $0 + $1.quantity }
    }
}

private final class FurtherBox: Equatable, Sendable {
    let lines: [HoldLine]
    let seats: [SeatRun]

    init(_ lines: [HoldLine], _ seats: [SeatRun]) {
        self.lines = lines
        self.seats = seats
    }

    static func == (left: FurtherBox, right: FurtherBox) -> Bool {
        left.lines == right.lines && left.seats == right.seats
    }
}

/// An order kept out of line, so that a hold without one stays small.
public final class OrderBox: Equatable, Sendable {
    public let state: OrderState

    public init(_ state: OrderState) { self.state = state }

    public static func == (left: OrderBox, right: OrderBox) -> Bool { left.state == right.state }
}

/// What a confirmed hold has become. Its tickets are numbered through the hold's lines in order.
public struct OrderState: Equatable, Sendable {
    public var confirmedAt: Milliseconds
    /// Minor units, fees and tax included.
    public var total: Int64
    public var paymentReference: String
    /// Ticket codes are derived from this and the ticket's index, so that one code says nothing of another.
    public var ticketSecret: (UInt64, UInt64)
    /// Indexes of refunded tickets, ascending.
    public var refunded: [UInt32]
    /// Those of the refunded tickets whose places went back on sale, ascending.
    public var restocked: [UInt32]
    /// Of tickets that something else has happened to, ascending by their indexes.
    public var tickets: [TicketHistory]

    package init(
        confirmedAt: Milliseconds,
        total: Int64,
        paymentReference: String,
        ticketSecret: (UInt64, UInt64),
        refunded: [UInt32],
        restocked: [UInt32],
        tickets: [TicketHistory] = []
    ) {
        self.confirmedAt = confirmedAt
        self.total = total
        self.paymentReference = paymentReference
        self.ticketSecret = ticketSecret
        self.refunded = refunded
        self.restocked = restocked
        self.tickets = tickets
    }

    public static func == (left: OrderState, right: OrderState) -> Bool {
        left.confirmedAt == right.confirmedAt && left.total == right.total
            && left.paymentReference == right.paymentReference && left.ticketSecret == right.ticketSecret
            && left.refunded == right.refunded && left.restocked == right.restocked && left.tickets == right.tickets
    }
}

/// An event without its sections, tiers and holds, as a snapshot keeps it.
public struct EventRestored: Equatable, Sendable {
    public var tenant: ShortText
    public var details: EventDetails
    public var createdAt: Milliseconds
    public var status: EventStatus
    public var version: UInt32
    public var lastCommandAt: Milliseconds
}
