/// The stock of one event: sections, price tiers, holds, orders, and the answers kept for retries. A plain value.
///
/// Invariants, checked by `checkInvariants`:
/// - `available + reserved + sold + buffer == total` in every section, and no term is negative;
/// - `reserved` is the sum of the live holds' lines, `sold` that of the confirmed ones' without restocked tickets;
/// - what `sales` has added up is what the holds add up to, so is what `tallies` has of customers with many, and `stock` is
///   what the sections add up to;
/// - every live or confirmed hold of a customer is in that customer's chain, once;
/// - a numbered seat is free, blocked, or has one holder; in a section that has seats `total` is their number and `buffer`
///   that of the blocked ones.
public struct EventInventory: Sendable {
    struct Section: Sendable {
        var details: SectionDetails
        var reserved: UInt32 = 0
        var sold: UInt32 = 0
        /// The place of its seats in `seatMaps`; `noSeatMap` for a section that sells places by number only.
        var seatMap = Section.noSeatMap

        static let noSeatMap = UInt32.max

        var counts: SectionCounts {
            SectionCounts(total: details.total, buffer: details.buffer, reserved: reserved, sold: sold)
        }
    }

    struct Tier: Sendable {
        var details: PriceTierDetails
        var version: UInt32 = 1
    }

    private var storage: Storage

    /// The event that the fact creates or restores; nil for any other fact.
    public init?(creating fact: Fact) {
        switch fact {
        case .eventCreated(let tenant, let details, let at):
            self.init(tenant: tenant, details: details, createdAt: at, status: .draft, version: 1, lastCommandAt: at)
        case .eventRestored(let event):
            self.init(
                tenant: event.tenant,
                details: event.details,
                createdAt: event.createdAt,
                status: event.status,
                version: event.version,
                lastCommandAt: event.lastCommandAt
            )
        case .tenantBegun(let tenant, let at):
            self.init(ofTenant: tenant, createdAt: at, lastCommandAt: at)
        case .tenantRestored(let tenant, let createdAt, let lastCommandAt):
            self.init(ofTenant: tenant, createdAt: createdAt, lastCommandAt: lastCommandAt)
        default:
            return nil
        }
    }

    /// What belongs to the tenant and to no event: see `isOfTenant`.
    private init(ofTenant tenant: ShortText, createdAt: Milliseconds, lastCommandAt: Milliseconds) {
        self.init(
            tenant: tenant,
            details: EventDetails(id: .empty, name: "", currency: .empty),
            createdAt: createdAt,
            status: .draft,
            version: 1,
            lastCommandAt: lastCommandAt
        )
    }

    private init(
        tenant: ShortText,
        details: EventDetails,
        createdAt: Milliseconds,
        status: EventStatus,
        version: UInt32,
        lastCommandAt: Milliseconds
    ) {
        storage = Storage(
            State(
                tenant: tenant,
                key: EventKey(tenant: tenant, event: details.id),
                createdAt: createdAt,
                details: details,
                status: status,
                version: version,
                lastCommandAt: lastCommandAt
            )
        )
    }
}

// MARK: - Storage

extension EventInventory {
    fileprivate struct State {
        let tenant: ShortText
        let key: EventKey
        let createdAt: Milliseconds
        var details: EventDetails
        var status: EventStatus
        var version: UInt32
        var lastCommandAt: Milliseconds
        var sections: ContiguousArray<Section> = []
        var stock = StockSums()
        var tiers: ContiguousArray<Tier> = []
        var seatMaps: ContiguousArray<SeatMap> = []
        var schedules: ContiguousArray<Schedule> = []
        var venues = VenueTable()
        var gates: ContiguousArray<GateDetails> = []
        var cancelledAt: Milliseconds?
        var holds = HoldSlab()
        var customers = CustomerTable()
        var tallies = CustomerTallies()
        var idempotency = IdempotencyTable()
        var sales = SalesLedger()
        var buyers = TopBuyers()
    }

    /// The state on the heap: to hand an event around is one reference, not one for each of its tables.
    ///
    /// `@unchecked Sendable`: it is written only by an inventory that holds the one reference to it.
    fileprivate final class Storage: @unchecked Sendable {
        // A pointer and not a property, so that reading it isn't checked for overlapping writes at run time: the
        // inventory's own accessors are exclusive already.
        let state: UnsafeMutablePointer<State>

        init(_ state: State) {
            self.state = .allocate(capacity: 1)
            self.state.initialize(to: state)
        }

        deinit {
            state.deinitialize(count: 1)
            state.deallocate()
        }
    }

    /// The state to be changed: a copy of its own where somebody else, such as a snapshot, holds it too.
    @inline(__always)
    private var mutableState: UnsafeMutablePointer<State> {
        mutating get {
            if !isKnownUniquelyReferenced(&storage) { storage = Storage(storage.state.pointee) }
            return storage.state
        }
    }

    // Addresses and not values, so that nothing is copied to look at one of its fields. They stay valid as long as the
    // inventory is accessed: the state neither moves nor goes before that.

    public var tenant: ShortText { storage.state.pointee.tenant }
    public var key: EventKey { storage.state.pointee.key }
    public var createdAt: Milliseconds { storage.state.pointee.createdAt }

    public internal(set) var details: EventDetails {
        @inline(__always) unsafeAddress { withUnsafePointer(to: &storage.state.pointee.details) { $0 } }
        @inline(__always) unsafeMutableAddress { withUnsafeMutablePointer(to: &mutableState.pointee.details) { $0 } }
    }

    public internal(set) var status: EventStatus {
        @inline(__always) get { storage.state.pointee.status }
        set { mutableState.pointee.status = newValue }
    }

    /// One more at every change of the details or the status; starts at 1.
    public internal(set) var version: UInt32 {
        get { storage.state.pointee.version }
        set { mutableState.pointee.version = newValue }
    }

    /// The time of the latest command applied: no later command is decided at an earlier time.
    public internal(set) var lastCommandAt: Milliseconds {
        @inline(__always) get { storage.state.pointee.lastCommandAt }
        @inline(__always) set { mutableState.pointee.lastCommandAt = newValue }
    }

    var sections: ContiguousArray<Section> {
        @inline(__always) unsafeAddress { withUnsafePointer(to: &storage.state.pointee.sections) { $0 } }
        @inline(__always) unsafeMutableAddress { withUnsafeMutablePointer(to: &mutableState.pointee.sections) { $0 } }
    }

    /// Of all sections together.
    public internal(set) var stock: StockSums {
        @inline(__always) unsafeAddress { withUnsafePointer(to: &storage.state.pointee.stock) { $0 } }
        @inline(__always) unsafeMutableAddress { withUnsafeMutablePointer(to: &mutableState.pointee.stock) { $0 } }
    }

    var tiers: ContiguousArray<Tier> {
        @inline(__always) unsafeAddress { withUnsafePointer(to: &storage.state.pointee.tiers) { $0 } }
        @inline(__always) unsafeMutableAddress { withUnsafeMutablePointer(to: &mutableState.pointee.tiers) { $0 } }
    }

    var seatMaps: ContiguousArray<SeatMap> {
        @inline(__always) unsafeAddress { withUnsafePointer(to: &storage.state.pointee.seatMaps) { $0 } }
        @inline(__always) unsafeMutableAddress { withUnsafeMutablePointer(to: &mutableState.pointee.seatMaps) { $0 } }
    }

    var schedules: ContiguousArray<Schedule> {
        @inline(__always) unsafeAddress { withUnsafePointer(to: &storage.state.pointee.schedules) { $0 } }
        @inline(__always) unsafeMutableAddress { withUnsafeMutablePointer(to: &mutableState.pointee.schedules) { $0 } }
    }

    var venues: VenueTable {
        @inline(__always) unsafeAddress { withUnsafePointer(to: &storage.state.pointee.venues) { $0 } }
        @inline(__always) unsafeMutableAddress { withUnsafeMutablePointer(to: &mutableState.pointee.venues) { $0 } }
    }

    var gates: ContiguousArray<GateDetails> {
        get { storage.state.pointee.gates }
        _modify { yield &mutableState.pointee.gates }
    }

    /// When the event was called off; nil for one that was not, or was only deleted.
    public internal(set) var cancelledAt: Milliseconds? {
        @inline(__always) get { storage.state.pointee.cancelledAt }
        set { mutableState.pointee.cancelledAt = newValue }
    }

    var holds: HoldSlab {
        @inline(__always) unsafeAddress { withUnsafePointer(to: &storage.state.pointee.holds) { $0 } }
        @inline(__always) unsafeMutableAddress { withUnsafeMutablePointer(to: &mutableState.pointee.holds) { $0 } }
    }

    var customers: CustomerTable {
        @inline(__always) unsafeAddress { withUnsafePointer(to: &storage.state.pointee.customers) { $0 } }
        @inline(__always) unsafeMutableAddress { withUnsafeMutablePointer(to: &mutableState.pointee.customers) { $0 } }
    }

    var tallies: CustomerTallies {
        @inline(__always) unsafeAddress { withUnsafePointer(to: &storage.state.pointee.tallies) { $0 } }
        @inline(__always) unsafeMutableAddress { withUnsafeMutablePointer(to: &mutableState.pointee.tallies) { $0 } }
    }

    var idempotency: IdempotencyTable {
        @inline(__always) unsafeAddress { withUnsafePointer(to: &storage.state.pointee.idempotency) { $0 } }
        @inline(__always) unsafeMutableAddress {
            withUnsafeMutablePointer(to: &mutableState.pointee.idempotency) { $0 }
        }
    }

    var sales: SalesLedger {
        @inline(__always) unsafeAddress { withUnsafePointer(to: &storage.state.pointee.sales) { $0 } }
        @inline(__always) unsafeMutableAddress { withUnsafeMutablePointer(to: &mutableState.pointee.sales) { $0 } }
    }

    var buyers: TopBuyers {
        @inline(__always) unsafeAddress { withUnsafePointer(to: &storage.state.pointee.buyers) { $0 } }
        @inline(__always) unsafeMutableAddress { withUnsafeMutablePointer(to: &mutableState.pointee.buyers) { $0 } }
    }
}

// MARK: - Reading

extension EventInventory {
    /// The id of a section of this event.
    /// - Precondition: the section exists.
    public func sectionID(_ number: SectionNumber) -> ShortText { sections[Int(number)].details.id }

    /// The name of a numbered seat, `<row>-<seat>`. It never changes.
    /// - Precondition: the section has such a seat.
    public func seatName(_ section: SectionNumber, _ position: UInt32) -> ShortText {
        seatMaps[Int(sections[Int(section)].seatMap)].names.name(of: position)
    }

    public func hasSection(_ number: SectionNumber) -> Bool { number < UInt32(sections.count) }

    public func sectionNumber(id: ShortText) -> SectionNumber? {
        sections.firstIndex { $0.details.id == id }.map { SectionNumber($0) }
    }

    /// - Precondition: the section exists.
    public func counts(_ number: SectionNumber) -> SectionCounts { sections[Int(number)].counts }

    public var sectionCount: Int { sections.count }

    /// Slots for holds in use: live, sold, and ended ones that are still answered for.
    public var holdSlotCount: Int { holds.count }

    /// The answer to an earlier command with the same key; nil when the key is new.
    /// - Throws: `idempotencyKeyReused` when the key came with another payload.
    public func remembered(_ key: IdempotencyKey) throws(Rejection) -> Answer? {
        try idempotency.answer(for: key, isValid: isValid) { bytes, at in
            guard let answer = try? answer(bytes, at: at) else { preconditionFailure("a kept answer can't be read") }
            return answer
        }
    }

    /// Whether the hold that a kept answer refers to still has its slot. When not, the answer's time is over.
    private func isValid(_ answer: UnsafeRawBufferPointer) -> Bool {
        KeptAnswer.reference(answer).map { holds.find($0) != nil } ?? true
    }

    /// Begins to load what a reservation under this key, for this customer, will look at: in a large event each would be
    /// waited for in turn.
    @inline(__always)
    func prefetch(_ key: IdempotencyKey, _ customer: ShortText) {
        idempotency.prefetch(key)
        customers.prefetch(customer)
    }

    /// Answers kept for retries.
    public var idempotencyCount: Int { idempotency.count }

    public var eventView: EventView {
        EventView(details: details, status: status, version: version, createdAt: createdAt)
    }

    func sectionView(_ number: SectionNumber) -> SectionView {
        let section = sections[Int(number)]
        return SectionView(number: number, details: section.details, counts: section.counts)
    }

    func tierView(_ number: TierNumber) -> TierView {
        TierView(number: number, version: tiers[Int(number)].version, details: tiers[Int(number)].details)
    }

    /// The hold of a reference; nil when its slot has gone to another since.
    public func hold(_ reference: HoldReference) -> HoldState? {
        holds.find(reference) == nil ? nil : holdState(reference.slot)
    }

    /// The hold whole, as facts and answers carry it.
    /// - Precondition: the slot is in use.
    func holdState(_ slot: UInt32) -> HoldState {
        let hold = holds[slot]
        var rest: [HoldLine] = []
        for index in 1..<max(1, hold.lineCount) { rest.append(holds.line(slot, index)) }
        let order = holds.order(slot)
        let endedAt =
            switch hold.status {
            case .held: Milliseconds(0)
            case .confirmed: order?.confirmedAt ?? 0
            case .released, .expired: hold.endedAt
            }
        return HoldState(
            reference: HoldReference(slot: slot, generation: hold.generation),
            secret: hold.secret,
            customer: customers.id(hold.customer),
            status: hold.status,
            createdAt: hold.createdAt,
            expiresAt: hold.expiresAt,
            endedAt: endedAt,
            first: holds.line(slot, 0),
            rest: rest,
            seats: holds.seats(slot),
            order: order.map { OrderBox($0) }
        )
    }

    /// When the hold must expire; nil when it is not live or of another generation.
    public func deadline(_ reference: HoldReference) -> Milliseconds? {
        reference.slot < UInt32(holds.count) ? deadline(reference, generationMask: .max) : nil
    }

    /// The same, with a part of the generation to go by: for the shard's timers.
    func deadline(_ reference: HoldReference, generationMask: UInt32) -> Milliseconds? {
        let hold = holds[reference.slot]
        guard (hold.generation ^ reference.generation) & generationMask == 0, hold.isHeld else { return nil }
        return hold.expiresAt
    }

    /// The hold that has the slot now.
    func reference(inSlot slot: UInt32) -> HoldReference {
        HoldReference(slot: slot, generation: holds[slot].generation)
    }

    /// Every live hold with its deadline.
    public func visitLiveHolds(_ body: (HoldReference, Milliseconds) -> Void) {
        for slot in 0..<UInt32(holds.count) where holds[slot].isHeld {
            body(HoldReference(slot: slot, generation: holds[slot].generation), holds[slot].expiresAt)
        }
    }
}
