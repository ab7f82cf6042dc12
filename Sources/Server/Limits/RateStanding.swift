/// What a caller and an address have left after a request, for its answer to say.
struct RateStanding: Equatable, Sendable {
    /// One policy: its limits and what is left.
    struct Part: Equatable, Sendable {
        let quota: UInt32
        let windowSeconds: UInt32
        let remaining: UInt32
        let fullInSeconds: UInt32

        init(_ rule: RateRule, _ outcome: RateBucket.Outcome) {
            quota = rule.burst
            windowSeconds = rule.windowSeconds
            remaining = outcome.remaining
            fullInSeconds = RateRule.seconds(outcome.fullInNanoseconds)
        }
    }

    let budget: RouteBudget
    var caller: Part?
    var address: Part?

    init(_ budget: RouteBudget) { self.budget = budget }

    var isEmpty: Bool { caller == nil && address == nil }

    static func name(_ budget: RouteBudget, _ spender: RateSpender) -> StaticString {
        switch (budget, spender) {
        case (.unlimited, _): ""
        case (.sale, .caller): "sale"
        case (.sale, .address): "address-sale"
        case (.reporting, .caller): "reporting"
        case (.reporting, .address): "address-reporting"
        }
    }
}

extension ByteWriter {
    /// The fields `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers).
    mutating func append(_ standing: RateStanding) {
        guard !standing.isEmpty else { return }
        append("RateLimit-Policy: ")
        appendParts(of: standing) { bytes, part in
            bytes.append(";q=")
            bytes.append(decimal: Int64(part.quota))
            bytes.append(";w=")
            bytes.append(decimal: Int64(part.windowSeconds))
        }
        append("\r\nRateLimit: ")
        appendParts(of: standing) { bytes, part in
            bytes.append(";r=")
            bytes.append(decimal: Int64(part.remaining))
            bytes.append(";t=")
            bytes.append(decimal: Int64(part.fullInSeconds))
        }
        append("\r\n")
    }

    private mutating func appendParts(
        of standing: RateStanding,
        _ parameters: (inout ByteWriter, RateStanding.Part) -> Void
    ) {
        if let part = standing.caller { append(part, RateStanding.name(standing.budget, .caller), parameters) }
        guard let part = standing.address else { return }
        if standing.caller != nil { append(", ") }
        append(part, RateStanding.name(standing.budget, .address), parameters)
    }

    private mutating func append(
        _ part: RateStanding.Part,
        _ name: StaticString,
        _ parameters: (inout ByteWriter, RateStanding.Part) -> Void
    ) {
        append(UInt8(ascii: "\""))
        append(name)
        append(UInt8(ascii: "\""))
        parameters(&self, part)
    }
}
