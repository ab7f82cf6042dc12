import Engine

/// Makes up what the world asks of one event: mostly sensible, often contested, sometimes absurd.
struct ModelCommands {
    struct Step {
        var command: Command
        var context: CommandContext
    }

    static let customers: [ShortText] = ["ada", "ben", "cleo", "dan", "eve", "fay"]

    var random: SeededRandom
    let tenant: ShortText
    private let sectionPrefix: String
    /// Virtual time: commands may share a millisecond, and it never runs backwards.
    var now: Milliseconds = 1_800_000_000_000
    /// What the tenant's venues take, where the commands are for an event whose tenant nobody else plays.
    var venues: [ShortText: UInt32]?
    private(set) var holds: [HoldID] = []
    private var past: [Step] = []
    /// Scans made before, to be sent again.
    var scans: [TicketScan] = []
    private var keys: UInt64 = 0

    /// - Parameter sectionPrefix: what the ids of sections begin with: within a tenant an id names one section.
    init(seed: UInt64, tenant: ShortText = "shop", sectionPrefix: String = "section") {
        random = SeededRandom(seed: seed)
        self.tenant = tenant
        self.sectionPrefix = sectionPrefix
    }

    mutating func chance(_ percent: Int) -> Bool { random.chance(percent) }

    mutating func below(_ bound: Int) -> Int { random.below(bound) }

    /// Whether the timer for ended holds is on time; else they stay until it comes round.
    var timerComes: Bool {
        mutating get { random.chance(60) }
    }

    // MARK: - The event to begin with

    mutating func eventDetails(number: Int) -> EventDetails {
        var details = EventDetails(id: ShortText("event-\(number)")!, name: "Event \(number)", currency: "EUR")
        details.holdTimeSeconds = random.one(of: [60, 300, 900])
        details.holdTimeMaxSeconds = random.one(of: [900, 1_800])
        details.openHoldsPerCustomerMax = random.one(of: [0, 0, 0, 2, 5])
        if random.chance(20) { details.salesStartAt = now + 30_000 }
        if random.chance(20) { details.salesEndAt = now + 3_600_000 }
        return details
    }

    /// The first section of every event is small, so that it is always close to sold out.
    mutating func section(_ number: Int) -> SectionDetails {
        let total = number == 0 ? random.below(12) : random.one(of: [0, 40, 400, 4_000])
        var details = SectionDetails(
            id: ShortText("\(sectionPrefix)-\(number)")!,
            name: "Section",
            total: UInt32(total)
        )
        details.buffer = UInt32(random.chance(25) ? random.below(total + 1) : 0)
        details.minimumPurchase = random.chance(15) ? 2 : 1
        details.maximumPurchase = random.one(of: [4, 8, 1_000])
        details.isActive = !random.chance(5)
        details.isVisible = true
        details.leavesNoSingleSeat = random.chance(25)
        return details
    }

    mutating func tier(sections: Int) -> PriceTierDetails {
        var details = PriceTierDetails(name: "Tier", basePrice: price())
        details.serviceFee = random.chance(50) ? Int64(random.below(1_000)) : 0
        details.facilityFee = random.chance(30) ? Int64(random.below(500)) : 0
        details.taxBasisPoints = random.one(of: [0, 700, 800, 1_900, 2_125, 10_000])
        details.isDynamic = random.chance(40)
        if random.chance(40) { details.currentPrice = price() }
        if random.chance(30) {
            let floor = price()
            details.minPrice = floor
            details.maxPrice = min(InventoryLimits.priceMax, floor + Int64(random.below(2_000)))
        }
        if random.chance(30) { details.earlyBirdPrice = price() }
        if random.chance(80) { details.earlyBirdEndsAt = now + Milliseconds(random.below(1_200_000)) }
        if random.chance(30) { details.lastMinutePrice = price() }
        if random.chance(80) { details.lastMinuteStartsAt = now + Milliseconds(random.below(1_200_000)) }
        if random.chance(30) {
            details.groupSizeMin = UInt32(1 + random.below(4))
            details.groupDiscountBasisPoints = UInt32(random.below(10_001))
        }
        if random.chance(10) { details.salesStartAt = now + Milliseconds(random.below(600_000)) }
        if random.chance(10) { details.salesEndAt = now + 600_000 + Milliseconds(random.below(600_000)) }
        details.maxPerOrder = random.one(of: [0, 0, 0, 2, 6])
        details.maxPerCustomer = random.one(of: [0, 0, 0, 3, 10])
        if sections > 0, random.chance(30) { details.section = SectionNumber(random.below(sections)) }
        details.isActive = !random.chance(15)
        if random.chance(10) { details.attributes = #""e":null"# }
        return details
    }

    private mutating func price() -> Int64 {
        switch random.weighted([8, 1, 1]) {
        case 0: Int64(random.below(20_000))
        case 1: 0
        default: InventoryLimits.priceMax - Int64(random.below(3))
        }
    }

    // MARK: - One step after the other

    mutating func context(principal: ShortText = .empty) -> CommandContext {
        CommandContext(
            tenant: tenant,
            principal: principal,
            now: now,
            random: (random.next(), random.next())
        )
    }

    /// The next command; time has passed before it. The model says which ids make sense.
    mutating func next(_ model: ModelEvent) -> Step {
        passTime(model)
        if venues != nil, random.chance(3) { venues?["arena"] = random.one(of: [1, 40, 500, 5_000, 1_000_000_000]) }
        if random.chance(6), let step = retry() { return step }
        var step = Step(command: command(model), context: context())
        if case .reserve(let request) = step.command {
            step.context.principal = random.weighted([6, 4, 1]) == 0 ? .empty : request.customer
            if random.chance(2) { step.context.principal = random.one(of: Self.customers) }
        } else {
            step.context.principal = principal(of: step.command, model)
        }
        if random.chance(60) {
            keys += 1
            step.context.idempotency = IdempotencyKey(high: keys, low: ~keys, fingerprint: random.next())
            past.append(step)
        }
        return step
    }

    /// A hold that was answered, to be acted upon by later commands.
    mutating func learn(_ outcome: Answer, event: EventKey) {
        switch outcome {
        case .reserved(let hold, _, _, _), .reservedOne(let hold, _, _, _):
            let id = HoldID(event: event, reference: hold.reference, secret: hold.secret)
            if !holds.contains(id) { holds.append(id) }
        default:
            break
        }
    }

    private mutating func passTime(_ model: ModelEvent) {
        switch random.weighted([30, 60, 6, 2, 1]) {
        case 0: break
        case 1: now += Milliseconds(random.below(2_000))
        case 2:
            // Exactly at, one before, or one after somebody's deadline.
            let open = model.holds.filter { $0.state.status == .held && $0.state.expiresAt > now }
            guard !open.isEmpty else { break }
            now = max(now, random.one(of: open).state.expiresAt - 1 + Milliseconds(random.below(3)))
        case 3: now += Milliseconds(random.below(300_000))
        default: now += 900_000 + Milliseconds(random.below(1_200_000))
        }
    }

    /// The same request again, later and with other random bits; sometimes another request under the same key.
    private mutating func retry() -> Step? {
        let fresh = past.filter { now - $0.context.now < InventoryLimits.idempotencyKeptMilliseconds }
        guard !fresh.isEmpty else { return nil }
        var step = random.one(of: fresh)
        step.context.now = now
        step.context.random = (random.next(), random.next())
        if random.chance(20), let key = step.context.idempotency {
            step.context.idempotency = IdempotencyKey(
                high: key.high,
                low: key.low,
                fingerprint: key.fingerprint ^ (1 << random.below(64))
            )
        }
        return step
    }

    private mutating func principal(of command: Command, _ model: ModelEvent) -> ShortText {
        let id: HoldID
        switch command {
        case .lockPrice(let hold, _), .extend(let hold, _), .confirm(let hold, _, _), .release(let hold),
            .refund(let hold, _, _):
            id = hold
        case .offerTransfer(let ticket, _, _), .withdrawTransfer(let ticket), .acceptTransfer(let ticket, _, _):
            return principal(of: ticket, command, model)
        default: return .empty
        }
        switch random.weighted([5, 5, 1]) {
        case 0: return .empty
        case 1: return model.holds.last { $0.state.reference == id.reference }?.state.customer ?? .empty
        default: return random.one(of: Self.customers)
        }
    }

    private mutating func command(_ model: ModelEvent) -> Command {
        // An event that isn't on sale should be before long.
        if model.status != .cancelled, !model.isOfTenant, random.below(4_000) == 0 { return .cancelEvent }
        if model.status == .draft, random.chance(30) { return .publishEvent }
        // One that was called off comes back only when nothing was sold.
        if model.status == .cancelled, random.chance(model.cancelledAt == nil ? 30 : 2) { return .restoreEvent }
        if model.isOfTenant { return venueCommand(model) }
        if random.chance(8), let command = afterSale(model) { return command }
        return switch random.weighted([46, 8, 7, 14, 7, 6, 2, 6, 5]) {
        case 0: .reserve(reserveRequest(model))
        case 1: .lockPrice(holdID(model), tier: random.chance(40) ? tierNumber(model) : nil)
        case 2: .extend(holdID(model), seconds: random.one(of: [0, 1, 60, 300, 900, 86_400, .max]))
        case 3: confirm(model)
        case 4: .release(holdID(model))
        case 5: refund(model)
        case 6: .expire(holdID(model).reference)
        case 7: catalogue(model)
        default: repricing(model)
        }
    }

    // MARK: - The sale

    private mutating func reserveRequest(_ model: ModelEvent) -> ReserveRequest {
        let count = random.chance(15) ? 1 + random.below(4) : 1
        var lines = (0..<count).map { _ in line(model) }
        if random.chance(1) { lines = Array(repeating: lines[0], count: 17) }
        let named = namedSeats(&lines, model)
        return ReserveRequest(
            customer: random.chance(15) ? .empty : random.one(of: Self.customers),
            holdSeconds: random.chance(70) ? nil : random.one(of: [0, 1, 30, 600, 1_800, 86_400, .max]),
            first: lines[0],
            rest: Array(lines.dropFirst()),
            named: named,
            isSingleSection: random.chance(50)
        )
    }

    /// Names the seats of some lines, mostly of sections that have some, and mostly as many as there are places.
    private mutating func namedSeats(_ lines: inout [ReserveRequest.Line], _ model: ModelEvent) -> NamedSeats? {
        let hasSeats = lines.contains {
            $0.section < model.sections.count && !model.sections[Int($0.section)].seats.isEmpty
        }
        guard random.chance(hasSeats ? 50 : 1) else { return nil }
        let names = lines.map { line -> [ShortText] in
            guard line.quantity <= 6, random.chance(80) else { return [] }
            return seatNames(model, line.section, Int(line.quantity) + (random.chance(1) ? 1 : 0))
        }
        for (index, names) in names.enumerated() where !names.isEmpty && random.chance(97) {
            lines[index].quantity = UInt32(names.count)
        }
        return NamedSeats(lines: names)
    }

    private mutating func line(_ model: ModelEvent) -> ReserveRequest.Line {
        let wrong = SectionNumber(model.sections.count + random.below(3))
        let known = model.sections.isEmpty ? wrong : SectionNumber(random.below(model.sections.count))
        let quantity: UInt32 =
            switch random.weighted([90, 6, 1, 1, 1, 1]) {
            case 0: UInt32(1 + random.below(4))
            case 1: UInt32(1 + random.below(40))
            case 2: 0
            case 3: 1_000
            case 4: 1_001
            default: .max
            }
        return ReserveRequest.Line(
            section: random.chance(2) ? wrong : random.chance(30) ? 0 : known,
            quantity: quantity,
            tier: random.chance(40) ? tierNumber(model) : nil
        )
    }

    private mutating func tierNumber(_ model: ModelEvent) -> TierNumber {
        TierNumber(random.below(model.tiers.count + (random.chance(5) || model.tiers.isEmpty ? 3 : 0)))
    }

    private mutating func confirm(_ model: ModelEvent) -> Command {
        let id = holdID(model)
        var amount: Int64?
        if random.chance(30), let index = model.holdIndex(id, principal: .empty) {
            let lines = model.holds[index].lines
            amount = lines.reduce(0) { sum, line in
                sum + (line.lock.map { ModelPrice.total($0, quantity: line.quantity) } ?? 0)
            }
            if random.chance(10) { amount = amount.map { $0 + 1 } }
        }
        let reference = random.chance(1) ? String(repeating: "p", count: 256) : "pay-\(random.below(1_000_000))"
        return .confirm(id, paymentReference: reference, amount: amount)
    }

    private mutating func refund(_ model: ModelEvent) -> Command {
        var id = holdID(model)
        let confirmed = model.holds.filter { $0.state.status == .confirmed }
        if !confirmed.isEmpty, random.chance(80) {
            let state = random.one(of: confirmed).state
            id = HoldID(event: model.key, reference: state.reference, secret: state.secret)
        }
        let tickets = random.chance(50) ? [] : (0...random.below(3)).map { _ in UInt32(random.below(5)) }
        return .refund(id, tickets: tickets, restock: random.chance(70))
    }

    /// Mostly a hold that is open; sometimes an old one, sometimes one that never was.
    private mutating func holdID(_ model: ModelEvent) -> HoldID {
        guard !holds.isEmpty else {
            return HoldID(event: model.key, reference: HoldReference(slot: 0, generation: 1), secret: random.next())
        }
        var id = random.one(of: holds)
        let open = model.holds.filter { $0.state.status == .held }
        if !open.isEmpty, random.chance(75) {
            let state = random.one(of: open).state
            id = HoldID(event: model.key, reference: state.reference, secret: state.secret)
        }
        guard random.chance(8) else { return id }
        return disturbed(id)
    }

    private mutating func disturbed(_ id: HoldID) -> HoldID {
        var event = id.event
        var slot = id.reference.slot
        var generation = id.reference.generation
        var secret = id.secret
        switch random.below(5) {
        case 0: secret ^= 1 << random.below(64)
        case 1: generation &+= 1
        case 2: generation &-= 1
        case 3: slot = random.chance(50) ? slot &+ 1_000_000 : .max
        default: event = EventKey(rawValue: event.rawValue ^ 1)
        }
        return HoldID(event: event, reference: HoldReference(slot: slot, generation: generation), secret: secret)
    }

    // MARK: - The organizer

    private mutating func catalogue(_ model: ModelEvent) -> Command {
        switch random.weighted([30, 12, 6, 20, 6, 20, 25, 12, 30, 25, 1]) {
        case 0: return resizing(model)
        case 1:
            var details = section(model.sections.count - (random.chance(10) ? 1 : 0))
            date(&details, model)
            return .addSection(details)
        case 2: return .createEvent(model.details)
        case 3: return .publishEvent
        case 4: return .deleteEvent
        case 5: return .restoreEvent
        case 7:
            let number = random.below(model.sections.count + (random.chance(3) ? 2 : 0))
            return .addSeats(SectionNumber(number), rows(model, number))
        case 8:
            let number = SectionNumber(random.below(model.sections.count + (random.chance(3) ? 2 : 0)))
            let names = random.chance(2) ? [] : seatNames(model, number, 1 + random.below(4))
            return .blockSeats(number, names, isBlocked: random.chance(60))
        case 9: return scheduleCommand(model)
        case 10: return venueCommand(model)
        default:
            var details = model.details
            if random.chance(30) { details.venue = random.one(of: ["", "arena", "arena", "hall"]) }
            if random.chance(10) { details.startsAt = random.chance(50) ? nil : now + 60_000 }
            details.openHoldsPerCustomerMax = random.one(of: [0, 2, 5])
            details.salesStartAt = random.chance(90) ? nil : now + 10_000
            details.salesEndAt = random.chance(90) ? nil : now + 600_000
            if random.chance(5) { details.currency = "USD" }
            let version = random.chance(50) ? nil : model.version + (random.chance(20) ? 1 : 0)
            return .updateEvent(details, expectedVersion: version)
        }
    }

    private mutating func resizing(_ model: ModelEvent) -> Command {
        let number = random.below(model.sections.count + 1)
        guard number < model.sections.count else { return .updateSection(SectionNumber(number), section(number)) }
        var details = model.sections[number].details
        let counts = model.counts(SectionNumber(number))
        let committed = Int(counts.reserved + counts.sold)
        // Around the edge of what is still possible.
        details.total = UInt32(max(0, committed + random.below(12) - 2))
        details.buffer = UInt32(random.below(min(3, Int(details.total) + 1)))
        details.isActive = !random.chance(5)
        date(&details, model)
        return .updateSection(SectionNumber(number), details)
    }

    private mutating func repricing(_ model: ModelEvent) -> Command {
        let details = tier(sections: model.sections.count)
        if model.tiers.count < 3 || random.chance(5) { return .addTier(details) }
        return .updateTier(tierNumber(model), details)
    }
}
