/// Loads a server in one phase after another with the same scenario, which carries its ledger and its numbers on.
struct LoadSession<S: Scenario> {
    private(set) var scenario: S
    let plan: LoadPlan
    let server: ServerUnderTest
    private(set) var phases: [LoadReport] = []

    init(_ scenario: S, _ plan: LoadPlan, _ server: ServerUnderTest) {
        self.scenario = scenario
        self.plan = plan
        self.server = server
    }

    /// Whether the server held out.
    var isIntact: Bool { phases.allSatisfy { $0.failure == nil } }

    /// The loops that the plan asks for.
    /// - Parameter prepare: changes the scenario before each loop.
    mutating func runLoops(prepare: (inout S, Int) -> Void = { _, _ in }) throws {
        prepare(&scenario, 0)
        if case .open(let rate) = plan.loops {
            try run("latency", .open(perSecond: rate, backlogMax: plan.backlogMax))
            return
        }
        let throughput = try run("throughput", .closed)
        guard case .both(let share) = plan.loops, isIntact, !StopSignal.wasReceived, throughput.begun > 0 else {
            return
        }
        prepare(&scenario, 1)
        try runLatency("latency", perSecond: throughput.begunPerSecond * share)
    }

    /// An open loop after a closed one.
    mutating func runLatency(_ name: String, perSecond: Double) throws {
        let connections = plan.openConnections
        try run(name, .open(perSecond: perSecond, backlogMax: plan.backlogMax)) { $0.connectionCount = connections }
    }

    /// One phase of its own.
    /// - Parameter adjust: changes the settings that follow from the options.
    @discardableResult
    mutating func run(
        _ name: String,
        _ pace: ArrivalSchedule.Pace,
        adjust: (inout LoadSettings) -> Void = { _ in }
    ) throws -> LoadResult {
        var loop = try makeLoop(pace, adjust: adjust)
        return try finish(name, &loop)
    }

    /// A loop for `finish`, to open its connections before a moment that matters.
    func makeLoop(
        _ pace: ArrivalSchedule.Pace,
        adjust: (inout LoadSettings) -> Void = { _ in }
    ) throws -> LoadLoop<S> {
        var settings = plan.settings(server.endpoint, pace)
        adjust(&settings)
        return try LoadLoop(scenario: scenario, settings: settings, observers: plan.observers(server))
    }

    /// Runs a loop that was made before, with the scenario as it is now.
    mutating func finish(_ name: String, _ loop: inout LoadLoop<S>) throws -> LoadResult {
        loop.goOn(with: scenario)
        let result = try loop.run()
        scenario = loop.scenario
        phases.append(LoadReport(phase: name, settings: loop.settings, result: result))
        return result
    }
}
