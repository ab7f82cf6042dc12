@testable import Engine
@testable import Server
@testable import WAL

/// One event on sale, driven the way a shard drives it: remembered → decide → record → apply → remember. Everything that
/// `decide` lets through must be what a start would accept of a log.
struct SaleFixture {
    static let start: Milliseconds = 1_800_000_000_000
    static let tenant: ShortText = "default"
    static let event = EventKey(tenant: tenant, event: "gala")

    private(set) var inventory: EventInventory
    /// The payload of every record, in order.
    private(set) var records: [[UInt8]] = []
    private(set) var now = start

    init() throws(Finding) {
        var details = EventDetails(id: "gala", name: "Gala", currency: "EUR")
        details.openHoldsPerCustomerMax = 8
        let context = CommandContext(tenant: Self.tenant, now: Self.start, random: (0, 0))
        guard let created = try? EventInventory.decideCreation(details, context), let fact = created.first,
            let inventory = EventInventory(creating: fact)
        else { throw Finding("the fixture's event is refused") }
        self.inventory = inventory
        try log(created, context, isCreation: true)
        var floor = SectionDetails(id: "floor", name: "Floor", total: 30)
        floor.buffer = 2
        var box = SectionDetails(id: "box", name: "Box", total: 6)
        box.maximumPurchase = 4
        var full = PriceTierDetails(name: "Full", basePrice: 5_000)
        full.serviceFee = 500
        full.taxBasisPoints = 800
        full.groupSizeMin = 4
        full.groupDiscountBasisPoints = 1_000
        var early = PriceTierDetails(name: "Box", basePrice: 20_000)
        early.section = 1
        early.maxPerCustomer = 4
        let commands: [Command] = [
            .addSection(floor), .addSection(box), .addTier(full), .addTier(early), .publishEvent,
        ]
        for command in commands { _ = try perform(command, self.context()) }
    }

    /// A context whose random bits are the number of records, so that ids can be foretold.
    func context(key: UInt64? = nil, principal: ShortText = .empty) -> CommandContext {
        CommandContext(
            tenant: Self.tenant,
            principal: principal,
            now: now,
            random: (UInt64(records.count), 7),
            idempotency: key.map { IdempotencyKey(high: $0, low: $0, fingerprint: $0) }
        )
    }

    mutating func wait(seconds: Int64) { now += seconds * 1_000 }

    /// What the caller hears: a rejection too.
    mutating func perform(_ command: Command, _ context: CommandContext) throws(Finding) -> Answer {
        if let key = context.idempotency {
            do throws(Rejection) {
                if let first = try inventory.remembered(key) { return first }
            } catch {
                return .rejected(error)
            }
        }
        let decision: Decision
        do throws(Rejection) {
            decision = try inventory.decide(command, context)
        } catch {
            decision = Decision(nil, answer: .rejected(error))
        }
        if decision.first == nil, context.idempotency == nil { return decision.answer }
        if case .rejected(.eventChanged) = decision.answer { return decision.answer }
        if case .rejected(.limitReached) = decision.answer { return decision.answer }
        try log(decision, context, isCreation: false)
        return decision.answer
    }

    private mutating func log(_ decision: Decision, _ context: CommandContext, isCreation: Bool) throws(Finding) {
        var buffer = RecordBuffer(capacity: 1_024)
        let event = inventory.key
        let (start, isAnswered) = buffer.append(decision, event: event, at: context.now, key: context.idempotency)
        let payload = buffer.withLastPayload { Array($0) }
        records.append(payload)
        for fact in isCreation ? [] : decision.facts {
            if let contradiction = inventory.contradiction(of: fact) {
                throw Finding("a decided fact is refused: \(contradiction): \(fact)")
            }
            inventory.apply(fact, isAnswered: isAnswered)
        }
        inventory.advance(to: context.now)
        guard let key = context.idempotency else { return }
        let contradiction = payload[start...].withUnsafeBytes { answer in
            let contradiction = inventory.contradiction(remembering: answer, at: context.now)
            if contradiction == nil { inventory.remember(answer, for: key, at: context.now) }
            return contradiction
        }
        if let contradiction { throw Finding("a decided answer is refused: \(contradiction): \(decision.answer)") }
    }

    /// Holds what is in memory against what a start would make of the records, and of a snapshot.
    func check() throws(Finding) {
        let broken = inventory.checkInvariants()
        guard broken.isEmpty else { throw Finding(broken.joined(separator: "; ")) }
        var replayed = Recovery()
        var restored = Recovery()
        do {
            for (index, record) in records.enumerated() {
                try record.withUnsafeBytes { try replayed.apply($0, at: LogPosition(UInt64(index + 1))) }
            }
            for record in snapshotRecords(of: inventory, asOf: LogPosition(UInt64(records.count))) {
                try record.withUnsafeBytes { try restored.restore($0) }
            }
        } catch {
            throw Finding("a start refuses what was decided: \(error)")
        }
        guard replayed.digest == inventory.digest(), restored.digest == inventory.digest() else {
            throw Finding("a start leads to another state")
        }
    }

    /// An ordinary sale: every kind of fact and of kept answer is in its records.
    static func sale() throws(Finding) -> SaleFixture {
        var sale = try SaleFixture()
        var holds: [HoldID] = []
        func hold(_ answer: Answer) -> HoldID? {
            switch answer {
            case .reservedOne(let hold, _, _, _), .reserved(let hold, _, _, _):
                HoldID(event: event, reference: hold.reference, secret: hold.secret)
            default: nil
            }
        }
        let requests = [
            ReserveRequest(customer: "ada", first: .init(section: 0, quantity: 2)),
            ReserveRequest(customer: "bob", first: .init(section: 1, quantity: 4, tier: 1)),
            ReserveRequest(
                customer: "ada",
                first: .init(section: 0, quantity: 5),
                rest: [.init(section: 1, quantity: 1)]
            ),
            ReserveRequest(first: .init(section: 0, quantity: 1, tier: 0)),
            ReserveRequest(customer: "cy", holdSeconds: 60, first: .init(section: 0, quantity: 3)),
        ]
        for (index, request) in requests.enumerated() {
            let key = index % 2 == 0 ? UInt64(index + 1) : nil
            if let hold = hold(try sale.perform(.reserve(request), sale.context(key: key))) { holds.append(hold) }
        }
        guard holds.count == requests.count else { throw Finding("the fixture's sale is refused") }
        let commands: [Command] = [
            .lockPrice(holds[0], tier: nil), .extend(holds[0], seconds: 60),
            .confirm(holds[0], paymentReference: "pay_1", amount: nil),
            .confirm(holds[2], paymentReference: "pay_2", amount: nil), .release(holds[1]),
            .refund(holds[2], tickets: [0, 5], restock: true), .refund(holds[0], tickets: [], restock: false),
            .confirm(holds[1], paymentReference: "late", amount: nil),
        ]
        for (index, command) in commands.enumerated() {
            _ = try sale.perform(command, sale.context(key: UInt64(100 + index)))
        }
        sale.wait(seconds: 61)
        _ = try sale.perform(.expire(holds[4].reference), sale.context())
        sale.wait(seconds: 86_400 * 2)
        _ = try sale.perform(.reserve(requests[0]), sale.context(key: 200))
        let details = sale.inventory.details
        _ = try sale.perform(.updateEvent(details, expectedVersion: nil), sale.context(key: 201))
        _ = try sale.perform(.updateSection(0, sale.inventory.sections[0].details), sale.context(key: 202))
        _ = try sale.perform(.updateTier(0, sale.inventory.tiers[0].details), sale.context(key: 203))
        return sale
    }
}

/// The payloads of the records that a snapshot has of an event.
func snapshotRecords(of event: EventInventory, asOf position: LogPosition) -> [[UInt8]] {
    var buffer = RecordBuffer()
    SnapshotRecord.write(event, asOf: position, into: &buffer) { _ in }
    return buffer.withBytes { bytes in
        var payloads: [[UInt8]] = []
        var frames = RecordFrames(bytes)
        while let payload = frames.next() { payloads.append(Array(payload)) }
        return payloads
    }
}

/// The fixture's sections, as clients name them.
struct FixtureSections: SectionLookup {
    /// How often somebody asked. The thread sanitizer stops at an `inout` of an empty struct, which has no address.
    private(set) var count = 0

    mutating func find(tenant: ShortText, section: ShortText) -> (EventKey, SectionNumber)? {
        count += 1
        guard tenant == SaleFixture.tenant else { return nil }
        if section == "floor" { return (SaleFixture.event, 0) }
        return section == "box" ? (SaleFixture.event, 1) : nil
    }
}
