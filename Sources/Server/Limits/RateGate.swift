import Engine

/// What the requests of one loop pass before anybody works for them: the address first, before its token is looked at, since
/// verifying one costs more than anything else does; then the caller, once it is known who that is.
///
/// Who only asks for what everybody may see, or for what isn't there, needs no token: it isn't looked at.
///
///     begin (the address pays) → admit (the caller pays) → standing, to be told with the answer
///
/// A request that is refused has cost its address a token all the same, else whoever is refused could ask on end.
final class RateGate {
    private let limits: RateLimits
    private var now: UInt64 = 0
    /// What is left after the request that was begun last.
    private(set) var standing = RateStanding(.unlimited)
    /// Who pays for the lines, if the request is a batch.
    private(set) var payer = Payer(caller: 0, address: 0)

    /// The places of a caller and an address in the tables.
    struct Payer: Sendable {
        var caller: UInt64
        var address: UInt64
    }

    init(_ limits: RateLimits) { self.limits = limits }

    /// Begins a request; its address pays.
    /// - Parameter match: its route; nil for a path of none, at which not even the token is looked at.
    /// - Throws: the refusal.
    func begin(
        _ request: HTTPRequest,
        _ bytes: UnsafeRawBufferPointer,
        _ match: Endpoint.Match?,
        from peer: @autoclosure () -> ClientAddress
    ) throws(Problem) {
        standing = RateStanding(match?.endpoint.budget ?? .unlimited)
        guard let endpoint = match?.endpoint, endpoint.budget != .unlimited else { return }
        now = limits.now()
        guard let table = limits.table(endpoint.budget, of: .address) else { return }
        let head = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - Int(request.body.count))])
        payer.address = limits.key(limits.settings.forwarding?.client(of: peer(), head) ?? peer())
        let outcome = table.take(1, of: payer.address, at: now)
        standing.address = RateStanding.Part(table.rule, outcome)
        try check(outcome, table.rule, .address)
    }

    /// The caller pays for the request that was begun.
    /// - Throws: the refusal.
    func admit(_ endpoint: Endpoint, _ context: CommandContext) throws(Problem) {
        guard let table = limits.table(endpoint.budget, of: .caller) else { return }
        payer.caller = limits.key(context)
        let outcome = table.take(1, of: payer.caller, at: now)
        standing.caller = RateStanding.Part(table.rule, outcome)
        try check(outcome, table.rule, .caller)
    }

    /// Address and caller pay for a line of a batch, as they have for the batch itself.
    /// - Throws: the refusal, which is the line's answer.
    func admitLine(of payer: Payer) throws(Problem) {
        let now = limits.now()
        if let table = limits.table(.sale, of: .address) {
            try check(table.take(1, of: payer.address, at: now), table.rule, .address)
        }
        if let table = limits.table(.sale, of: .caller) {
            try check(table.take(1, of: payer.caller, at: now), table.rule, .caller)
        }
    }

    private func check(_ outcome: RateBucket.Outcome, _ rule: RateRule, _ spender: RateSpender) throws(Problem) {
        guard !outcome.isGranted else { return }
        throw .rateLimited(rule, spender, waitSeconds: RateRule.seconds(outcome.waitNanoseconds))
    }
}

extension Problem {
    static func rateLimited(_ rule: RateRule, _ spender: RateSpender, waitSeconds: UInt32) -> Problem {
        let whose: StaticString = spender == .caller ? "caller" : "address"
        var problem = Problem(
            .tooManyRequests,
            "RATE_LIMITED",
            "Too many requests",
            """
            This \(whose) may send \(rule.requestsPerSecond) of these requests a second, and \(rule.burst) at once; \
            nothing has happened. Send the request again later.
            """
        )
        problem.retryAfterSeconds = max(1, waitSeconds)
        return problem
    }
}
