import Glibc

/// Drives a scenario over many connections from one thread, in closed or open loop, and measures each call.
///
///     warming up → measuring → draining → done
///
/// One turn: wait for sockets, read each ready answer, let the scenario write the next request into the same
/// connection's buffer, send it. Once warm a request allocates nothing: connections, buffers, event array,
/// histograms and the list of idle connections are all made before the first one leaves.
struct LoadLoop<S: Scenario>: ~Copyable {
    private enum Phase {
        case warmingUp
        case measuring
        case draining
        case done
    }

    private(set) var scenario: S
    let settings: LoadSettings
    private let observers: LoadObservers
    private let poll: ReadinessPoll
    private let server: ProcessSampler?
    /// A block of `settings.connectionCount` connections. Only this value has the pointer, `deinit` frees it.
    private let connections: UnsafeMutablePointer<Connection<S.Flow>>
    /// Connections without a request, as a stack.
    private var idle: [Int] = []
    private var schedule: ArrivalSchedule
    private var calls: [CallStatistics]
    private var timeline: Timeline
    private var phase = Phase.warmingUp
    private var isOpen = false
    private var startNanoseconds: UInt64 = 0
    private var measuredFromNanoseconds: UInt64 = 0
    private var lastAnswerNanoseconds: UInt64 = 0
    private var requestsLeft: UInt64
    private var gaveUpInWarmup: UInt64 = 0
    private var begun: UInt64 = 0
    /// Time in which the client looked for answers and there were none: it was awake, not busy.
    private var watchingNanoseconds: UInt64 = 0
    private var clientCPUAtStart: UInt64 = 0
    private var serverCPUAtStart: ProcessCPU.Usage?
    private var machineAtStart: MachineLoad.Sample?
    private var reconnects = 0
    private var failure: String?
    private var progress = ProgressMeter()

    init(scenario: S, settings: LoadSettings, observers: LoadObservers = LoadObservers()) throws(SystemCallError) {
        precondition(1...LoadSettings.connectionsMax ~= settings.connectionCount)
        self.scenario = scenario
        self.settings = settings
        self.observers = observers
        poll = try ReadinessPoll(eventsMax: min(settings.connectionCount, 512))
        server = observers.serverProcess.flatMap { ProcessSampler(process: $0) }
        calls = scenario.callNames.map(CallStatistics.init)
        timeline = Timeline(
            intervalNanoseconds: settings.sampleNanoseconds,
            durationNanoseconds: settings.durationNanoseconds
        )
        requestsLeft = settings.requestsMax ?? .max
        schedule = ArrivalSchedule(pace: settings.pace, startNanoseconds: 0, endNanoseconds: 0)
        connections = .allocate(capacity: settings.connectionCount)
        for index in 0..<settings.connectionCount {
            (connections + index).initialize(to: Connection(flow: scenario.makeFlow()))
        }
    }

    deinit {
        for index in 0..<settings.connectionCount { connections[index].deallocate() }
        connections.deinitialize(count: settings.connectionCount)
        connections.deallocate()
    }

    /// Opens the connections. `run` does it where this was not called; call it to have them ready before a moment
    /// that matters.
    mutating func open() throws(SystemCallError) {
        guard !isOpen else { return }
        isOpen = true
        OpenFileLimit.raise(to: settings.connectionCount + OpenFileLimit.reserve)
        idle.reserveCapacity(settings.connectionCount)
        for index in 0..<settings.connectionCount {
            try open(index)
            idle.append(index)
        }
    }

    /// Before `run`: takes over where an earlier loop with the same kind of scenario ended.
    mutating func goOn(with scenario: S) {
        precondition(startNanoseconds == 0, "the loop has run")
        self.scenario = scenario
    }

    /// Runs to the end of the time, the number of requests, the scenario's work, or the server.
    /// Throws only when the connections can't be opened to begin with.
    mutating func run() throws(SystemCallError) -> LoadResult {
        try open()
        var now = MonotonicClock.nowNanoseconds()
        start(now)
        beginDue(now)
        while phase != .done {
            let timeout = waitNanoseconds(now)
            // With work done since `now` was read, that would be counted as watching too.
            let before = timeout == 0 ? MonotonicClock.nowNanoseconds() : now
            let count = try poll.wait(timeoutNanoseconds: timeout)
            for index in 0..<count { handle(poll.event(index)) }
            now = MonotonicClock.nowNanoseconds()
            if count == 0, timeout == 0 { watchingNanoseconds += now - before }
            beginDue(now)
            advance(now)
        }
        return finish(now)
    }

    // MARK: - Phases

    private mutating func start(_ now: UInt64) {
        startNanoseconds = now
        let end = now + settings.warmupNanoseconds + settings.durationNanoseconds
        schedule = ArrivalSchedule(pace: settings.pace, startNanoseconds: now, endNanoseconds: end)
        progress = ProgressMeter(startNanoseconds: now)
        if settings.warmupNanoseconds == 0 { beginMeasuring(now) }
    }

    private mutating func beginMeasuring(_ now: UInt64) {
        for index in calls.indices { calls[index].reset() }
        phase = .measuring
        measuredFromNanoseconds = now
        lastAnswerNanoseconds = now
        gaveUpInWarmup = schedule.gaveUp
        begun = 0
        watchingNanoseconds = 0
        timeline.begin(now, server?.sample())
        clientCPUAtStart = MonotonicClock.processCPUNanoseconds()
        serverCPUAtStart = observers.serverProcess.flatMap(ProcessCPU.usage)
        machineAtStart = MachineLoad.Sample.now()
    }

    private mutating func advance(_ now: UInt64) {
        if StopSignal.wasReceived { schedule.stop(atNanoseconds: now) }
        if phase == .warmingUp, now >= startNanoseconds + settings.warmupNanoseconds { beginMeasuring(now) }
        if phase != .done, now >= schedule.endNanoseconds {
            if phase == .warmingUp { beginMeasuring(now) }
            phase = .draining
            let isDrained = idle.count == settings.connectionCount && (requestsLeft == 0 || waiting(now) == 0)
            let drainEnd = schedule.endNanoseconds.addingReportingOverflow(settings.drainNanosecondsMax).partialValue
            if isDrained || now >= drainEnd || failure != nil { phase = .done }
        } else if isExhausted, idle.count == settings.connectionCount || failure != nil {
            if phase == .warmingUp { beginMeasuring(now) }
            phase = .done
        }
        if phase == .measuring, now >= timeline.nextNanoseconds { timeline.end(now, server?.sample()) }
        reportProgress(now)
    }

    /// Nothing will begin any more although there is time.
    private var isExhausted: Bool { schedule.isExhausted || scenario.isExhausted }

    private func waiting(_ now: UInt64) -> UInt64 { schedule.waiting(nowNanoseconds: now) }

    private mutating func reportProgress(_ now: UInt64) {
        guard let report = observers.progress, progress.isDue(now) else { return }
        let errors = calls.reduce(0) { $0 + $1.errors.total }
        report(progress.take(now, isWarmingUp: phase == .warmingUp, errors: errors, waiting: waiting(now)))
    }

    /// How long the next wait may last: to the next arrival, the next change of phase, the next progress line.
    private func waitNanoseconds(_ now: UInt64) -> Int64 {
        if settings.spins { return 0 }
        var until = now + 100_000_000
        if phase == .warmingUp { until = min(until, startNanoseconds + settings.warmupNanoseconds) }
        if phase == .measuring { until = min(until, timeline.nextNanoseconds) }
        if phase != .draining { until = min(until, schedule.endNanoseconds) }
        if !idle.isEmpty, requestsLeft > 0, !scenario.isExhausted, let due = schedule.nextDueNanoseconds {
            until = min(until, due)
        }
        if until <= now { return phase == .draining ? 1_000_000 : 0 }
        // Even short waits are slept: a client that watches its sockets instead keeps its core from the kernel's own
        // threads, and with two cores the server's disk waits for those.
        let wait = until - now
        return wait < 1_000 ? 0 : Int64(wait)
    }

    private mutating func finish(_ now: UInt64) -> LoadResult {
        for index in 0..<settings.connectionCount {
            guard let call = connections[index].call else { continue }
            lose(index, call, .unanswered, now)
        }
        let hasAnswers = lastAnswerNanoseconds > measuredFromNanoseconds
        let measuredUntil = hasAnswers ? lastAnswerNanoseconds : now
        timeline.finish(min(now, schedule.endNanoseconds), server?.sample())
        let serverCPU = observers.serverProcess.flatMap(ProcessCPU.usage)
            .flatMap { after in serverCPUAtStart.map { after.since($0) } }
        let machine = MachineLoad(
            since: machineAtStart,
            server: serverCPU,
            elapsedNanoseconds: now - measuredFromNanoseconds
        )
        let clientCPU = MonotonicClock.processCPUNanoseconds() - clientCPUAtStart
        return LoadResult(
            calls: calls,
            begun: begun,
            startNanoseconds: measuredFromNanoseconds,
            elapsedNanoseconds: max(1, measuredUntil - measuredFromNanoseconds),
            clientCPUNanoseconds: clientCPU - min(clientCPU, watchingNanoseconds),
            serverCPU: serverCPU,
            machine: machine,
            timeline: timeline.samples,
            neverSent: schedule.gaveUp - gaveUpInWarmup
                + (requestsLeft == 0 || scenario.isExhausted ? 0 : waiting(now)),
            reconnects: reconnects,
            failure: failure
        )
    }

    // MARK: - Requests

    /// Gives work that is due to idle connections.
    @inline(__always)
    private mutating func beginDue(_ now: UInt64) {
        while let index = idle.last, requestsLeft > 0, failure == nil, !scenario.isExhausted,
            let intended = schedule.take(nowNanoseconds: now)
        {
            idle.removeLast()
            begin(index, intended)
        }
    }

    @inline(__always)
    private mutating func begin(_ index: Int, _ intended: UInt64) {
        let call = connections[index].begin(&scenario)
        begun += 1
        send(index, call, intended)
    }

    @inline(__always)
    private mutating func send(_ index: Int, _ call: Int, _ intended: UInt64) {
        connections[index].call = call
        connections[index].intendedNanoseconds = intended
        connections[index].expectAnswer()
        if phase == .measuring, requestsLeft != .max {
            requestsLeft -= 1
            if requestsLeft == 0 { schedule.stop(atNanoseconds: intended) }
        }
        if !connections[index].flush() { broken(index, .connectionLost) }
    }

    @inline(__always)
    private mutating func handle(_ event: ReadinessPoll.Event) {
        let index = event.token
        guard connections[index].descriptor >= 0 else { return }
        if event.isWritable, !connections[index].flush() { return broken(index, .connectionLost) }
        guard event.isReadable || event.isClosed else { return }
        switch connections[index].read() {
        case .incomplete: break
        case .complete(let answer): answered(index, answer)
        case .closed: broken(index, .connectionLost)
        case .notUnderstood: broken(index, .notUnderstood)
        }
    }

    @inline(__always)
    private mutating func answered(_ index: Int, _ answer: Answer) {
        let now = MonotonicClock.nowNanoseconds()
        guard let call = connections[index].call else { return }
        connections[index].call = nil
        lastAnswerNanoseconds = now
        progress.answers += 1
        let mayContinue = now < schedule.endNanoseconds && requestsLeft > 0
        let outcome = connections[index].answered(call, answer, mayContinue: mayContinue, by: &scenario)
        record(call, answer, outcome, now, latencyNanoseconds: now - connections[index].intendedNanoseconds)
        // A failure on the server's side leaves open whether the call took effect.
        if answer.status >= 500 { connections[index].lost(call, by: &scenario) }
        if connections[index].mustReconnect {
            connections[index].closeDescriptor()
            guard reopen(index) else { return }
        }
        if let next = outcome.nextCall {
            send(index, next, now)
        } else {
            idle.append(index)
            beginDue(now)
        }
    }

    @inline(__always)
    private mutating func record(
        _ call: Int,
        _ answer: Answer,
        _ outcome: AnswerOutcome,
        _ now: UInt64,
        latencyNanoseconds: UInt64
    ) {
        timeline.answers += 1
        if latencyNanoseconds > settings.slowNanoseconds { timeline.slow += 1 }
        if let error = outcome.error {
            calls[call].recordError(error, latencyNanoseconds: latencyNanoseconds)
        } else if answer.isSuccess {
            timeline.succeeded += 1
            calls[call].recordSuccess(latencyNanoseconds: latencyNanoseconds)
            calls[call].lastSuccessNanoseconds = now
        } else if let code = BodyScanner.text(after: "\"code\":\"", in: answer.body) {
            calls[call].recordError(code, latencyNanoseconds: latencyNanoseconds)
        } else {
            var name = "HTTP_\(answer.status)"
            name.withUTF8 {
                calls[call].recordError(UnsafeRawBufferPointer($0), latencyNanoseconds: latencyNanoseconds)
            }
        }
        if answer.status == 503 || answer.status == 429 {
            calls[call].countTurnedAway(hasRetryAfter: answer.hasRetryAfter)
        }
    }

    // MARK: - Broken connections

    private mutating func open(_ index: Int) throws(SystemCallError) {
        try connections[index].open(to: settings.endpoint)
        try poll.add(connections[index].descriptor, token: index)
    }

    private mutating func broken(_ index: Int, _ error: ClientError) {
        connections[index].closeDescriptor()
        if let call = connections[index].call {
            connections[index].call = nil
            lose(index, call, error, MonotonicClock.nowNanoseconds())
            idle.append(index)
        }
        _ = reopen(index)
    }

    private mutating func lose(_ index: Int, _ call: Int, _ error: ClientError, _ now: UInt64) {
        calls[call].recordError(error, latencyNanoseconds: now - connections[index].intendedNanoseconds)
        connections[index].lost(call, by: &scenario)
    }

    /// Connects anew. A server that takes no more connections, or drops them time and again, ends the run.
    private mutating func reopen(_ index: Int) -> Bool {
        reconnects += 1
        guard failure == nil else { return false }
        do throws(SystemCallError) {
            if reconnects > max(1000, 10 * settings.connectionCount), calls.allSatisfy({ $0.succeeded == 0 }) {
                throw SystemCallError("too many broken connections", code: ECONNRESET)
            }
            try open(index)
            return true
        } catch {
            failure = error.description
            schedule.stop(atNanoseconds: MonotonicClock.nowNanoseconds())
            return false
        }
    }
}

/// What the loop asks and tells others during a run.
struct LoadObservers {
    /// The server, if its process is known: its processor time and memory are read during the run.
    var serverProcess: Int32?
    var progress: ((Progress) -> Void)?
}
