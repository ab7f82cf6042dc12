/// What an organizer says of an event. Everything but `id` and `currency` may be changed later.
public struct EventDetails: Equatable, Sendable {
    public var id: ShortText
    public var name: String
    /// ISO 4217, three capital letters.
    public var currency: ShortText
    public var startsAt: Milliseconds?
    /// The sales window; open-ended where nil. A sale is possible from `salesStartAt` up to, not at, `salesEndAt`.
    public var salesStartAt: Milliseconds?
    public var salesEndAt: Milliseconds?
    /// How long a hold lasts when the caller asks for nothing; 1 to `holdTimeMaxSeconds`.
    public var holdTimeSeconds: UInt32 = 15 * 60
    /// The longest a hold may last in all, extensions included; 1 to 86,400.
    public var holdTimeMaxSeconds: UInt32 = 60 * 60
    /// Open holds one customer may have at a time; 0 means no limit.
    public var openHoldsPerCustomerMax: UInt32 = 0
    /// The id of the venue where it takes place; empty where none is named.
    public var venue: ShortText = .empty
    /// Members of the organizer's JSON that this engine doesn't know, as they came: `"a":1,"b":[2]`, or empty.
    public var attributes: String = ""

    public init(id: ShortText, name: String, currency: ShortText) {
        self.id = id
        self.name = name
        self.currency = currency
    }
}

/// draft → published → cancelled; a cancelled event is restored to draft.
public enum EventStatus: UInt8, Sendable {
    case draft = 0
    case published = 1
    case cancelled = 2
}

/// What an organizer says of a section (a capacity).
public struct SectionDetails: Equatable, Sendable {
    public var id: ShortText
    public var name: String
    public var code: String = ""
    /// Places in all; 0 to 10,000,000. The number of its seats where it has some.
    public var total: UInt32
    /// Places kept from sale; 0 to `total`. The number of blocked seats where it has seats.
    public var buffer: UInt32 = 0
    /// Places of this section in one reservation: at least (1 or more) and at most (up to 1,000).
    public var minimumPurchase: UInt32 = 1
    public var maximumPurchase: UInt32 = 1_000
    public var isActive = true
    public var isVisible = true
    /// Whether a reservation of numbered seats may not leave a free seat without a free neighbour.
    public var leavesNoSingleSeat = false
    /// The date that its places are for; nil where they are for the event as a whole.
    public var schedule: ScheduleNumber?
    /// Members of the organizer's JSON that this engine doesn't know, as in `EventDetails.attributes`.
    public var attributes = ""

    public init(id: ShortText, name: String, total: UInt32) {
        self.id = id
        self.name = name
        self.total = total
    }
}

/// A section's stock at one moment. Invariant: `available + reserved + sold + buffer == total`.
public struct SectionCounts: Equatable, Sendable {
    public var total: UInt32
    public var buffer: UInt32
    public var reserved: UInt32
    public var sold: UInt32

    public init(total: UInt32, buffer: UInt32, reserved: UInt32, sold: UInt32) {
        self.total = total
        self.buffer = buffer
        self.reserved = reserved
        self.sold = sold
    }

    public var available: UInt32 { total - buffer - reserved - sold }
}

/// What an organizer says of a price tier. Money is in minor units of the event's currency, 0 to 100,000,000,000.
public struct PriceTierDetails: Equatable, Sendable {
    public var name: String
    public var basePrice: Int64
    /// Fees per ticket.
    public var serviceFee: Int64 = 0
    public var facilityFee: Int64 = 0
    /// 0 to 10,000 basis points on the line's subtotal.
    public var taxBasisPoints: UInt32 = 0
    /// Where the tier is dynamic the current price replaces the base price, and the result of all rules is
    /// clamped to `minPrice...maxPrice`.
    public var isDynamic = false
    public var minPrice: Int64?
    public var maxPrice: Int64?
    public var currentPrice: Int64?
    /// The unit price before `earlyBirdEndsAt`.
    public var earlyBirdPrice: Int64?
    public var earlyBirdEndsAt: Milliseconds?
    /// The unit price from `lastMinuteStartsAt` on.
    public var lastMinutePrice: Int64?
    public var lastMinuteStartsAt: Milliseconds?
    /// From this many tickets in a line, `groupDiscountBasisPoints` (0 to 10,000) off the unit price; 0 means never.
    public var groupSizeMin: UInt32 = 0
    public var groupDiscountBasisPoints: UInt32 = 0
    public var salesStartAt: Milliseconds?
    public var salesEndAt: Milliseconds?
    /// Tickets of this tier in one reservation; 0 means no limit.
    public var maxPerOrder: UInt32 = 0
    /// Tickets of this tier that one customer may hold and own together; 0 means no limit.
    public var maxPerCustomer: UInt32 = 0
    /// The one section that the tier prices; nil prices every section of the event.
    public var section: SectionNumber?
    public var isActive = true
    public var isVisible = true
    /// Members of the organizer's JSON that this engine doesn't know, as in `EventDetails.attributes`.
    public var attributes = ""

    public init(name: String, basePrice: Int64) {
        self.name = name
        self.basePrice = basePrice
    }
}

/// A limit on everything that an event can hold.
public enum InventoryLimits {
    public static let sectionsPerEventMax = 10_000
    public static let tiersPerEventMax = 1_000
    public static let linesPerHoldMax = 16
    public static let quantityPerLineMax: UInt32 = 1_000
    public static let placesPerSectionMax: UInt32 = 10_000_000
    public static let priceMax: Int64 = 100_000_000_000
    public static let basisPointsMax: UInt32 = 10_000
    public static let holdTimeMaxSeconds: UInt32 = 86_400
    /// Slots for holds (live, sold, and ended ones that are still answered for) of one event.
    public static let holdsPerEventMax = 16_000_000
    /// Live and confirmed reservations of one customer in one event.
    public static let holdsPerCustomerMax: UInt32 = 10_000
    public static let eventsPerShardMax = 1_000_000
    public static let nameBytesMax = 1_024
    public static let attributesBytesMax = 32 * 1_024
    /// Unknown members of a section, a price tier, a schedule or a venue, of which there are many more than of events.
    public static let partAttributesBytesMax = 4 * 1_024
    public static let schedulesPerEventMax = 1_000
    public static let venuesPerTenantMax = 10_000
    public static let venueCapacityMax: UInt32 = 1_000_000_000
    public static let paymentReferenceBytesMax = 255
    /// How long an answer is kept for retries with its idempotency key.
    public static let idempotencyKeptMilliseconds: Milliseconds = 24 * 3_600_000
    /// Answers kept for retries, per event.
    public static let idempotencyEntriesPerEventMax = 16_000_000
    /// Bytes of those answers, which are 20 for a reservation and 100,000 for a long list of scans. The last one may go
    /// beyond.
    public static let idempotencyBytesPerEventMax = 1 << 30
    /// An ended hold's id is answered for at least this long before its slot is used again.
    public static let endedHoldKeptMilliseconds: Milliseconds = 15 * 60_000
}
