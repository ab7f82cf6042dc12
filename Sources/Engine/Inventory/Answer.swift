/// What an answer is made of. The same value makes the first answer and every later one to a retry.
///
/// Beside it an answer shows only what never changes of an event: its tenant, id and currency, and the ids of its
/// sections. So rendering the same answer twice gives the same bytes.
public enum Answer: Equatable, Sendable {
    indirect case event(EventView)
    indirect case section(SectionView)
    indirect case tier(TierView)
    indirect case schedule(ScheduleView)
    indirect case venue(VenueView)
    /// `counts` are those of the hold's lines, in order, after the change.
    case reserved(HoldState, counts: [SectionCounts], at: Milliseconds, isSingleSection: Bool)
    /// The common case of `reserved` with one line, without an array.
    case reservedOne(HoldState, counts: SectionCounts, at: Milliseconds, isSingleSection: Bool)
    case reservation(HoldState, at: Milliseconds)
    case order(HoldState, at: Milliseconds)
    /// What a refund left, these tickets of it refunded now; the order's state is told without its tickets'.
    case refunded(HoldState, tickets: [UInt32], marks: [TicketMark], at: Milliseconds)
    indirect case ticket(TicketView)
    case scanned([ScanOutcome], isList: Bool)
    indirect case gate(GateDetails)
    case rejected(Rejection)
}

/// An event at one moment.
public struct EventView: Equatable, Sendable {
    public var details: EventDetails
    public var status: EventStatus
    public var version: UInt32
    public var createdAt: Milliseconds
    /// Where it was asked for: it depends on the time, so an answer to a change doesn't have it.
    public var saleStatus: SaleStatus?

    package init(details: EventDetails, status: EventStatus, version: UInt32, createdAt: Milliseconds) {
        self.details = details
        self.status = status
        self.version = version
        self.createdAt = createdAt
    }
}

/// A section at one moment.
public struct SectionView: Equatable, Sendable {
    public var number: SectionNumber
    public var details: SectionDetails
    public var counts: SectionCounts

    package init(number: SectionNumber, details: SectionDetails, counts: SectionCounts) {
        self.number = number
        self.details = details
        self.counts = counts
    }
}

/// A price tier at one moment.
public struct TierView: Equatable, Sendable {
    public var number: TierNumber
    public var version: UInt32
    public var details: PriceTierDetails

    package init(number: TierNumber, version: UInt32, details: PriceTierDetails) {
        self.number = number
        self.version = version
        self.details = details
    }
}

/// What a query found.
public enum Finding: Equatable, Sendable {
    indirect case event(EventView)
    case sections([SectionView])
    indirect case sectionPage(SectionPage)
    indirect case schedule(ScheduleView)
    indirect case schedules(SchedulePage)
    indirect case venue(VenueView)
    indirect case venues(VenuePage)
    /// A part of the event's sections, and how many it has.
    case availability([SectionAvailability], count: Int)
    indirect case section(SectionView)
    indirect case seats(SeatMapView)
    case allSeats(SeatRowPage)
    indirect case check(SectionView, quantity: UInt32, isAvailable: Bool)
    case tiers([TierView])
    indirect case price(TierView, Quote)
    case reservation(HoldState, at: Milliseconds)
    case order(HoldState, at: Milliseconds)
    /// An order of an event that was called off, with tickets left to refund.
    case orderDue(HoldState, at: Milliseconds)
    case orders(OrderPage)
    indirect case ticket(TicketView)
    case gates([GateDetails])
}
