@testable import Engine
@testable import ReferenceModel

/// One event and its model, side by side through a sequence of random commands.
struct ModelRun {
    /// Where they parted; the seed and the step find the place again.
    struct Difference: Error, CustomStringConvertible {
        var description: String
    }

    let seed: UInt64
    private(set) var subject: ModelSubject
    private(set) var model: ModelEvent
    private(set) var commands: ModelCommands
    private(set) var steps = 0
    /// How often each kind of outcome came, to see that the sequence reached what it should.
    private(set) var outcomes: [String: Int] = [:]

    init(seed: UInt64, number: Int) throws {
        self.seed = seed
        commands = ModelCommands(seed: seed &+ UInt64(number) &* 0x2545_f491_4f6c_dd1d)
        commands.venues = ["arena": 5_000]
        let details = commands.eventDetails(number: number)
        let context = commands.context()
        subject = try ModelSubject(creating: details, context)
        model = ModelEvent(tenant: context.tenant, details: details, at: context.now)
        for number in 0..<(1 + commands.below(4)) { try perform(.addSection(commands.section(number))) }
        for number in model.sections.indices where commands.chance(30) {
            try perform(.addSeats(SectionNumber(number), commands.rows(model, number)))
        }
        for _ in 0..<commands.below(4) { try perform(.addTier(commands.tier(sections: model.sections.count))) }
        try perform(.publishEvent)
    }

    /// The next random command, after the timers that have come due, most of the time.
    mutating func step() throws {
        let next = commands.next(model)
        if commands.timerComes {
            for reference in model.due(at: commands.now) { try perform(.expire(reference)) }
        }
        try perform(next.command, next.context)
    }

    mutating func perform(_ command: Command, _ given: CommandContext? = nil) throws {
        var context = given ?? commands.context()
        context.venueMaximum = commands.venues?[ModelEvent.venue(for: command, of: model)]
        let outcome = subject.perform(command, context)
        let expectation = model.perform(command, context, outcome: outcome)
        steps += 1
        for kind in Self.kinds(of: outcome) { outcomes[kind, default: 0] += 1 }
        commands.learn(outcome, event: model.key)
        guard expectation.allows(outcome) else {
            throw difference("outcome", command, context, "\(outcome)", "\(expectation)")
        }
        for number in model.sections.indices.map(SectionNumber.init) {
            let counts = subject.inventory.counts(number)
            guard counts == model.counts(number) else {
                throw difference("section \(number)", command, context, "\(counts)", "\(model.counts(number))")
            }
        }
        try compareSeats(command, context)
        guard steps % 64 == 0 else { return }
        let broken = subject.inventory.checkInvariants()
        guard broken.isEmpty else { throw difference("invariants", command, context, "\(broken)", "none broken") }
    }

    private func compareSeats(_ command: Command, _ context: CommandContext) throws {
        for (number, section) in model.sections.enumerated() where !section.seats.isEmpty {
            let number = SectionNumber(number)
            let expected = model.seatStates(number)
            let map = subject.inventory.seatMap(of: number)
            let found = expected.indices.compactMap { map?.states.state(of: UInt32($0)) }
            guard found != expected else { continue }
            throw difference("seats of section \(number)", command, context, "\(found)", "\(expected)")
        }
    }

    mutating func passTime(_ time: Milliseconds) { commands.now += time }

    /// Goes on with the engine's state rebuilt from its snapshot.
    mutating func continueFromSnapshot() throws {
        subject = ModelSubject(continuing: try subject.inventory.restoredFromSnapshot())
    }

    private func difference(
        _ what: String,
        _ command: Command,
        _ context: CommandContext,
        _ found: String,
        _ expected: String
    ) -> Difference {
        Difference(
            description: """
                \(what) differs; run again with HOLDFAST_SEED=\(seed)
                event \(model.details.id), step \(steps), at \(context.now), principal "\(context.principal)"
                command:  \(command)
                engine:   \(found)
                expected: \(expected)
                """
        )
    }

    /// The name of the outcome's case, and those of what became of single scans.
    private static func kinds(of outcome: Answer) -> [String] {
        guard case .scanned(let scans, _) = outcome else { return [kind(of: outcome)] }
        return [kind(of: outcome)] + scans.map { "scan.\($0.result)" }
    }

    /// The name of the outcome's case, with that of the rejection.
    static func kind(of outcome: Answer) -> String {
        if case .rejected(let rejection) = outcome { return "rejected.\(caseName(rejection))" }
        return caseName(outcome)
    }

    static func caseName(_ value: Any) -> String {
        Mirror(reflecting: value).children.first?.label ?? String(describing: value)
    }
}
