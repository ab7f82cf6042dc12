import WAL

@testable import Engine
@testable import ReferenceModel

/// One event as the world outside the engine knows it: the model, what it would be after a crash, and what clients heard.
struct EventBook {
    /// What a record of the log did.
    enum Change {
        case created(EventDetails, CommandContext, Answer)
        /// The first venue of a tenant, with which the tenant's inventory begins.
        case begun(Command, CommandContext, Answer)
        case command(Command, CommandContext, Answer)
        case expired(HoldReference, at: Milliseconds)
    }

    struct Entry {
        var position: LogPosition
        var change: Change
    }

    let details: EventDetails
    let tenant: ShortText
    let key: EventKey
    var commands: ModelCommands
    /// The event with everything that was decided; nil before it was created.
    private(set) var model: ModelEvent?
    /// The event as of the last start, and what came after.
    private var base: ModelEvent?
    private var journal: [Entry] = []

    /// Keyed commands that somebody waits for or never heard of, to be asked again.
    var unanswered: [ModelCommands.Step] = []
    /// When each key came first: what it was answered is not kept for ever.
    private var asked: [ModelEvent.KeyName: Milliseconds] = [:]
    /// What was told, by key.
    private var told: [ModelEvent.KeyName: Told] = [:]

    private struct Told {
        var fingerprint: UInt64
        var answer: Answer
        var at: Milliseconds
    }

    init(number: Int, tenant: ShortText, seed: UInt64) {
        self.tenant = tenant
        commands = ModelCommands(seed: seed, tenant: tenant, sectionPrefix: "event-\(number)-section")
        details = commands.eventDetails(number: number)
        key = EventKey(tenant: tenant, event: details.id)
    }

    /// A tenant's own inventory, which has its venues.
    init(ofTenant tenant: ShortText, seed: UInt64) {
        self.tenant = tenant
        commands = ModelCommands(seed: seed, tenant: tenant)
        details = EventDetails(id: "", name: "", currency: "")
        key = EventKey(tenant: tenant, event: "")
    }

    var isOfTenant: Bool { details.id.isEmpty }

    // MARK: - Going on

    /// The next command: what the event needs to be sold at all, something asked again, or something new.
    mutating func nextStep() -> ModelCommands.Step {
        guard let model else { return keyed(isOfTenant ? commands.venueCommand(nil) : .createEvent(details)) }
        if !isOfTenant {
            if model.sections.count < 2 { return keyed(.addSection(commands.section(model.sections.count))) }
            if model.tiers.isEmpty { return keyed(.addTier(commands.tier(sections: model.sections.count))) }
        }
        unanswered = unanswered.filter { !isPast($0) }
        if !unanswered.isEmpty, commands.below(3) == 0 {
            var step = unanswered.remove(at: commands.below(unanswered.count))
            step.context.random = commands.context().random
            return step
        }
        var step = commands.next(model)
        // Only the clock expires holds; nobody can ask a shard to.
        while case .expire = step.command { step = commands.next(model) }
        return step
    }

    private func isPast(_ step: ModelCommands.Step) -> Bool {
        guard let key = step.context.idempotency,
            let first = asked[ModelEvent.KeyName(high: key.high, low: key.low)]
        else { return true }
        return commands.now - first >= InventoryLimits.idempotencyKeptMilliseconds
    }

    private mutating func keyed(_ command: Command) -> ModelCommands.Step {
        var context = commands.context()
        let number = context.random.0
        context.idempotency = IdempotencyKey(high: number, low: ~number, fingerprint: number)
        return ModelCommands.Step(command: command, context: context)
    }

    /// Holds the engine's answer against the model's.
    mutating func check(_ step: ModelCommands.Step, _ answer: Answer) throws(Violation) -> Change {
        defer { commands.learn(answer, event: key) }
        if let key = step.context.idempotency {
            asked[ModelEvent.KeyName(high: key.high, low: key.low), default: step.context.now] += 0
        }
        if model == nil, isOfTenant { return try checkFirstVenue(step, answer) }
        if model == nil, case .createEvent(let details) = step.command {
            guard case .event = answer else { throw Violation("creation of \(details.id): \(answer)") }
            let change = Change.created(details, step.context, answer)
            Self.redo(change, &model)
            return change
        }
        guard var model else {
            guard answer == .rejected(.eventNotFound) else { throw Violation("no event, and yet \(answer)") }
            return .command(step.command, step.context, answer)
        }
        let expectation = model.perform(step.command, step.context, outcome: answer)
        self.model = model
        guard expectation.allows(answer) else {
            throw Violation(
                """
                \(details.id) at \(step.context.now), principal "\(step.context.principal)"
                command:  \(step.command)
                engine:   \(answer)
                expected: \(expectation)
                """
            )
        }
        return .command(step.command, step.context, answer)
    }

    private mutating func checkFirstVenue(
        _ step: ModelCommands.Step,
        _ answer: Answer
    ) throws(Violation) -> Change {
        var begun = ModelEvent(ofTenant: tenant, at: step.context.now)
        let expectation = begun.perform(step.command, step.context, outcome: answer)
        guard expectation.allows(answer) else {
            throw Violation("\(tenant)'s first venue: \(answer), not \(expectation)")
        }
        guard case .venue = answer else { return .command(step.command, step.context, answer) }
        model = begun
        return .begun(step.command, step.context, answer)
    }

    /// The timer has ended a hold.
    mutating func expire(_ reference: HoldReference, at now: Milliseconds) throws(Violation) -> Change {
        guard model?.due(at: now).contains(reference) == true else {
            throw Violation("\(details.id): hold \(reference) expired at \(now), before its deadline or twice")
        }
        let change = Change.expired(reference, at: now)
        Self.redo(change, &model)
        return change
    }

    mutating func log(_ change: Change, at position: LogPosition) {
        journal.append(Entry(position: position, change: change))
    }

    // MARK: - Answers

    /// A client hears an answer: the same as the last time, if there was one.
    mutating func tell(_ step: ModelCommands.Step, _ answer: Answer) throws(Violation) {
        guard let key = step.context.idempotency, answer != .rejected(.idempotencyKeyReused) else { return }
        switch answer {
        // "Look again and retry", and what is said of an event that isn't there, are not kept.
        case .rejected(.eventChanged), .rejected(.scheduleChanged), .rejected(.venueChanged), .rejected(.limitReached),
            .rejected(.cancellationUnfinished),
            .rejected(.eventNotFound):
            return
        default: break
        }
        let name = ModelEvent.KeyName(high: key.high, low: key.low)
        guard let before = told[name] else {
            told[name] = Told(fingerprint: key.fingerprint, answer: answer, at: step.context.now)
            return
        }
        guard step.context.now - before.at < InventoryLimits.idempotencyKeptMilliseconds else { return }
        guard before.fingerprint == key.fingerprint, before.answer == answer else {
            throw Violation(
                "\(details.id): one key, two answers\nfirst: \(before.answer)\nthen:  \(answer)\nto \(step.command)"
            )
        }
    }

    // MARK: - After a crash

    /// Forgets what came behind `last`, and begins anew from there.
    mutating func rollBack(to last: LogPosition) {
        model = base
        for entry in journal where entry.position <= last { Self.redo(entry.change, &model) }
        base = model
        journal = []
    }

    private static func redo(_ change: Change, _ model: inout ModelEvent?) {
        switch change {
        case .created(let details, let context, let answer):
            var created = ModelEvent(tenant: context.tenant, details: details, at: context.now)
            if let key = context.idempotency {
                created.remembered[ModelEvent.KeyName(high: key.high, low: key.low)] = ModelEvent.Remembered(
                    fingerprint: key.fingerprint,
                    answer: answer,
                    at: context.now
                )
            }
            model = created
        case .begun(let command, let context, let answer):
            var begun = ModelEvent(ofTenant: context.tenant, at: context.now)
            _ = begun.perform(command, context, outcome: answer)
            model = begun
        case .command(let command, let context, let answer):
            _ = model?.perform(command, context, outcome: answer)
        case .expired(let reference, let now):
            let context = CommandContext(tenant: "", now: now, random: (0, 0))
            _ = model?.perform(.expire(reference), context, outcome: .rejected(.reservationNotFound))
        }
    }

    /// Holds the engine's whole event against the model.
    func compare(_ event: EventInventory?) throws(Violation) {
        guard let event, let model else {
            guard event == nil, model == nil else {
                throw Violation("\(details.id): \(model == nil ? "there, and should not be" : "not there")")
            }
            return
        }
        func require(_ isSo: Bool, _ what: @autoclosure () -> String) throws(Violation) {
            if !isSo { throw Violation("\(details.id): \(what()) differs from the model") }
        }
        let broken = event.checkInvariants()
        guard broken.isEmpty else { throw Violation("\(broken)") }
        try require(event.tenant == tenant && event.details == model.details, "details")
        try require(event.status == model.status && event.version == model.version, "status or version")
        try require(event.sectionCount == model.sections.count && event.tiers.count == model.tiers.count, "catalogue")
        try require(event.cancelledAt == model.cancelledAt, "when it was called off")
        try require(Array(event.gates) == model.gates, "gates")
        for number in model.sections.indices.map(SectionNumber.init) {
            let (found, expected) = (event.counts(number), model.counts(number))
            try require(found == expected, "section \(number): \(found), not \(expected)")
            try require(event.sections[Int(number)].details == model.sections[Int(number)].details, "section \(number)")
        }
        let schedules = model.schedules.indices.map { event.scheduleView(ScheduleNumber($0)) }
        try require(event.schedules.count == model.schedules.count && schedules == model.schedules, "schedules")
        try require(Array(event.venues.venues) == model.venues, "venues")
        for (number, tier) in model.tiers.enumerated() {
            let found = event.tiers[number]
            try require(found.details == tier.details && found.version == tier.version, "tier \(number)")
        }
        for hold in model.holds where !hold.isForgotten {
            let reference = hold.state.reference
            let found = event.holds.find(reference).map { _ in event.holdState(reference.slot) }
            try require(found == hold.state, "hold \(reference): \(String(describing: found)), not \(hold.state)")
        }
        for (name, kept) in model.remembered {
            guard event.lastCommandAt - kept.at < InventoryLimits.idempotencyKeptMilliseconds else { continue }
            let key = IdempotencyKey(high: name.high, low: name.low, fingerprint: kept.fingerprint)
            let found = try? event.remembered(key)
            try require(found == kept.answer, "the answer kept for \(name): \(String(describing: found))")
        }
    }
}
