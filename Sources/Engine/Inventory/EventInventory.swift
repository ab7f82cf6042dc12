/// The stock of one event: sections, price tiers, holds, orders, and the answers kept for retries. A plain value.
///
/// Invariants, checked by `checkInvariants`:
/// - `available + reserved + sold + buffer == total` in every section, and no term is negative;
/// - `reserved` is the sum of the live holds' lines, `sold` that of the confirmed ones' without restocked tickets;
/// - every live or confirmed hold of a customer is in that customer's chain, once.
public struct EventInventory: Sendable {
    struct Section: Sendable {
        var details: SectionDetails
        var reserved: UInt32 = 0
        var sold: UInt32 = 0

        var counts: SectionCounts {
            SectionCounts(total: details.total, buffer: details.buffer, reserved: reserved, sold: sold)
        }
    }

    struct Tier: Sendable {
        var details: PriceTierDetails
        var version: UInt32 = 1
    }

    public let tenant: ShortText
    public let key: EventKey
    public let createdAt: Milliseconds
    public internal(set) var details: EventDetails
    public internal(set) var status: EventStatus
    /// One more at every change of the details or the status; starts at 1.
    public internal(set) var version: UInt32
    var sections: ContiguousArray<Section> = []
    var tiers: ContiguousArray<Tier> = []
    var holds = HoldSlab()
    var customers = CustomerTable()
    var idempotency = IdempotencyTable()
    /// The time of the latest command applied: no later command is decided at an earlier time.
    public internal(set) var lastCommandAt: Milliseconds

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
        default:
            return nil
        }
    }

    private init(
        tenant: ShortText,
        details: EventDetails,
        createdAt: Milliseconds,
        status: EventStatus,
        version: UInt32,
        lastCommandAt: Milliseconds
    ) {
        self.tenant = tenant
        self.details = details
        self.createdAt = createdAt
        self.status = status
        self.version = version
        self.lastCommandAt = lastCommandAt
        key = EventKey(tenant: tenant, event: details.id)
    }
}

// MARK: - Reading

extension EventInventory {
    /// The id of a section of this event.
    /// - Precondition: the section exists.
    public func sectionID(_ number: SectionNumber) -> ShortText { sections[Int(number)].details.id }

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
            order: order.map { OrderBox($0) }
        )
    }

    /// When the hold must expire; nil when it is not live or of another generation. For the shard's timers.
    public func deadline(_ reference: HoldReference) -> Milliseconds? {
        guard let hold = holds.find(reference), hold.isHeld else { return nil }
        return hold.expiresAt
    }

    /// Every live hold with its deadline.
    public func visitLiveHolds(_ body: (HoldReference, Milliseconds) -> Void) {
        for slot in 0..<UInt32(holds.count) where holds[slot].isHeld {
            body(HoldReference(slot: slot, generation: holds[slot].generation), holds[slot].expiresAt)
        }
    }
}
