/// What somebody asks of one event. Commands carry nothing of the clock or of chance: see `CommandContext`.
public enum Command: Sendable {
    indirect case createEvent(EventDetails)
    /// `expectedVersion` refuses when the event has been changed since; nil changes whatever is there.
    indirect case updateEvent(EventDetails, expectedVersion: UInt32?)
    case publishEvent
    case deleteEvent
    case restoreEvent
    indirect case addSection(SectionDetails)
    indirect case updateSection(SectionNumber, SectionDetails)
    indirect case addTier(PriceTierDetails)
    indirect case updateTier(TierNumber, PriceTierDetails)
    indirect case addSchedule(ScheduleDetails)
    /// The schedule is the one with the details' id.
    indirect case updateSchedule(ScheduleDetails, expectedVersion: UInt32?)
    /// For the tenant's own inventory, like the next: `EventKey(tenant:event:)` with an empty event id.
    indirect case createVenue(VenueDetails)
    /// The venue is the one with the details' id.
    indirect case updateVenue(VenueDetails, expectedVersion: UInt32?)
    case addSeats(SectionNumber, [SeatRow])
    /// Keeps seats from sale, or gives them back: the names of 1 to `InventoryLimits.seatsPerChangeMax`.
    case blockSeats(SectionNumber, [ShortText], isBlocked: Bool)
    /// Sells nothing any more, ends every live hold, and makes every order due for refund.
    case cancelEvent
    /// Adds a gate, or changes the one with the same id whole.
    indirect case setGate(GateDetails)
    /// 1 to `InventoryLimits.scansPerListMax`. `isList` decides the shape of the answer only.
    case scan([TicketScan], isList: Bool)
    /// `recipient` is the one customer who may take the ticket; empty for whoever has the offer's code.
    case offerTransfer(TicketID, recipient: ShortText, expiresAt: Milliseconds?)
    case withdrawTransfer(TicketID)
    /// `customer` is who takes it, for a caller who acts for the whole tenant; empty for the caller.
    case acceptTransfer(TicketID, TicketCode, customer: ShortText)
    case reserve(ReserveRequest)
    /// Nil locks each line's own tier, or the first active one that prices its section.
    case lockPrice(HoldID, tier: TierNumber?)
    case extend(HoldID, seconds: UInt32)
    /// `amount` in minor units is compared with the locked total where it is given.
    case confirm(HoldID, paymentReference: String, amount: Int64?)
    case release(HoldID)
    /// `tickets` are indexes into the order's tickets; empty means all that are left.
    case refund(HoldID, tickets: [UInt32], restock: Bool)
    /// By the shard's clock only.
    case expire(HoldReference)
}

/// A reservation to be made: one line, or several that succeed or fail together.
public struct ReserveRequest: Sendable {
    public struct Line: Equatable, Sendable {
        public var section: SectionNumber
        public var quantity: UInt32
        /// Locks this tier's price with the reservation.
        public var tier: TierNumber?

        public init(section: SectionNumber, quantity: UInt32, tier: TierNumber? = nil) {
            self.section = section
            self.quantity = quantity
            self.tier = tier
        }
    }

    /// Empty for a sale to nobody in particular: limits per customer don't apply.
    public var customer: ShortText
    /// Nil takes the event's hold time.
    public var holdSeconds: UInt32?
    public var first: Line
    public var rest: [Line]
    /// The seats of lines that name theirs, which then have as many places as seats; nil where no line does.
    public var named: NamedSeats?
    /// Whether the caller asked through the route for one section; decides the shape of the answer only.
    public var isSingleSection: Bool

    public init(
        customer: ShortText = .empty,
        holdSeconds: UInt32? = nil,
        first: Line,
        rest: [Line] = [],
        named: NamedSeats? = nil,
        isSingleSection: Bool = true
    ) {
        self.customer = customer
        self.holdSeconds = holdSeconds
        self.first = first
        self.rest = rest
        self.named = named
        self.isSingleSection = isSingleSection
    }
}

/// What comes from outside with a command: who asks, when, with which random bits, and the key for retries.
public struct CommandContext: Sendable {
    public var tenant: ShortText
    /// The customer who asks; empty for somebody who acts for the whole tenant.
    public var principal: ShortText
    /// Who asks, whomever for; part of what makes an idempotency key the caller's own. Empty for nobody in particular.
    public var actor: ShortText
    public var now: Milliseconds
    public var random: (UInt64, UInt64)
    public var idempotency: IdempotencyKey?
    /// The fingerprints that earlier builds gave to the same request: with them the key is known as well. 0 for none but
    /// the one that `idempotency` has.
    package var earlierFingerprints: (UInt64, UInt64) = (0, 0)
    /// How many places the venue takes that the command depends on (`Command.venue`); nil where there is no such venue.
    /// The shard fills it in, because the venue is another shard's.
    package var venueMaximum: UInt32?

    public init(
        tenant: ShortText,
        principal: ShortText = .empty,
        actor: ShortText? = nil,
        now: Milliseconds,
        random: (UInt64, UInt64),
        idempotency: IdempotencyKey? = nil
    ) {
        self.tenant = tenant
        self.principal = principal
        self.actor = actor ?? principal
        self.now = now
        self.random = random
        self.idempotency = idempotency
    }
}

/// A question that changes nothing.
public enum Query: Sendable {
    case event
    /// The event, with what has become of its sale.
    case eventAndSale
    case sections
    case sectionPage(SectionFilter)
    case schedule(ShortText)
    case schedules(ScheduleFilter)
    /// The first date that is not cancelled and has not begun.
    case nextSchedule
    /// Of the tenant's own inventory, like the next.
    case venue(ShortText)
    /// Venues whose ids come behind `after`, at most `limit`.
    case venues(after: ShortText, limit: UInt32)
    /// The stock of up to `limit` sections, from the one numbered `start` on.
    case availability(start: UInt32, limit: UInt32)
    case section(SectionNumber)
    case seats(SectionNumber)
    /// Of every section that has some, at most `limit` rows.
    case allSeats(from: SeatRowPlace, limit: Int)
    /// Whether `quantity` places of the section could be reserved now.
    case check(SectionNumber, quantity: UInt32)
    case tiers(activeOnly: Bool)
    case calculate(TierNumber, quantity: UInt32)
    case reservation(HoldID)
    case order(HoldID)
    case orders(OrderListing)
    case ticket(TicketID)
    case gates
}
