/// How a server is to be loaded: what `LoadOptions` says, or what a scenario decides for itself.
struct LoadPlan {
    enum Loops: Equatable {
        case closed
        case open(perSecond: Double)
        /// A closed loop for the ceiling, then an open one at this share of it for the latencies.
        case both(share: Double)
    }

    var connections = 64
    /// Of an open loop that follows a closed one. More than that had, so that a buyer seldom waits for a connection:
    /// those that are not needed stay quiet.
    var openConnections = 256
    var warmupSeconds = 2.0
    var durationSeconds = 10.0
    var loops = Loops.both(share: 0.7)
    var requestsMax: UInt64?
    var backlogMax = 1_000_000
    var spins = false
    var showsProgress = false

    func settings(_ endpoint: Endpoint, _ pace: ArrivalSchedule.Pace) -> LoadSettings {
        var settings = LoadSettings(endpoint: endpoint)
        settings.connectionCount = connections
        settings.pace = pace
        settings.warmupNanoseconds = UInt64(warmupSeconds * 1e9)
        settings.durationNanoseconds = UInt64(durationSeconds * 1e9)
        settings.requestsMax = requestsMax
        settings.spins = spins
        if durationSeconds < 5 { settings.sampleNanoseconds = 100_000_000 }
        return settings
    }

    func observers(_ server: ServerUnderTest) -> LoadObservers {
        var observers = LoadObservers(serverProcess: server.processIdentifier)
        if showsProgress { observers.progress = ProgressLine.write }
        return observers
    }
}
