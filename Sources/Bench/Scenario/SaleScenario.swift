/// Buyers: each reserves one ticket, then pays for it, gives it back, or walks away.
///
///     reserve → price-lock → confirm      (most)
///     reserve → release                   (`releaseShare`)
///     reserve                             (`abandonShare`: the hold stays until its deadline)
///
/// With `reservesOnly` everybody walks away: what is measured is durable reservations.
struct SaleScenario: Scenario {
    enum Call: Int, CaseIterable {
        case reserve
        case priceLock
        case confirm
        case release
    }

    enum Fate {
        case confirms
        case releases
        case abandons
    }

    struct Flow {
        var section = 0
        var fate = Fate.confirms
        var reservation = IdentifierBytes()
    }

    let templates: SaleTemplates
    let releaseShare: Double
    let abandonShare: Double
    /// What was sold and held, per section, as far as the client was told.
    private(set) var ledger: SaleLedger
    private var random: SplitMix64
    private var number: UInt64 = 0
    private let reservesOnly: Bool

    init(templates: SaleTemplates, releaseShare: Double, abandonShare: Double, reservesOnly: Bool, seed: UInt64) {
        precondition(!templates.reserve.isEmpty)
        self.templates = templates
        self.releaseShare = releaseShare
        self.abandonShare = abandonShare
        self.reservesOnly = reservesOnly
        self.ledger = SaleLedger(sectionCount: templates.reserve.count)
        self.random = SplitMix64(seed: seed)
    }

    var callNames: [String] { reservesOnly ? ["reserve"] : ["reserve", "price-lock", "confirm", "release"] }

    func makeFlow() -> Flow { Flow() }

    @inline(__always)
    mutating func begin(_ flow: inout Flow, request: inout RequestBuffer) -> Int {
        flow.section = Int(random.next(below: UInt64(templates.reserve.count)))
        flow.fate = drawFate()
        return write(.reserve, templates.reserve[flow.section], id: nil, into: &request)
    }

    private mutating func drawFate() -> Fate {
        if reservesOnly { return .abandons }
        let draw = random.nextUnit()
        if draw < releaseShare { return .releases }
        return draw < releaseShare + abandonShare ? .abandons : .confirms
    }

    @inline(__always)
    mutating func answered(
        _ callIndex: Int,
        _ answer: Answer,
        flow: inout Flow,
        mayContinue: Bool,
        request: inout RequestBuffer
    ) -> AnswerOutcome {
        guard answer.isSuccess, let call = Call(rawValue: callIndex) else { return AnswerOutcome() }
        ledger.succeeded(call, section: flow.section)
        switch call {
        case .reserve: return reserved(answer, &flow, mayContinue, &request)
        case .priceLock where mayContinue:
            return AnswerOutcome(nextCall: write(.confirm, templates.confirm, id: flow.reservation, into: &request))
        case .priceLock, .confirm, .release: return AnswerOutcome()
        }
    }

    @inline(__always)
    private mutating func reserved(
        _ answer: Answer,
        _ flow: inout Flow,
        _ mayContinue: Bool,
        _ request: inout RequestBuffer
    ) -> AnswerOutcome {
        guard let text = BodyScanner.text(after: "\"id\":\"rsv_", keeping: 4, in: answer.body),
            let reservation = IdentifierBytes(text)
        else { return AnswerOutcome(error: .noIdentifier) }
        guard mayContinue else { return AnswerOutcome() }
        flow.reservation = reservation
        switch flow.fate {
        case .abandons: return AnswerOutcome()
        case .confirms:
            return AnswerOutcome(nextCall: write(.priceLock, templates.priceLock, id: reservation, into: &request))
        case .releases:
            return AnswerOutcome(nextCall: write(.release, templates.release, id: reservation, into: &request))
        }
    }

    mutating func lost(_ callIndex: Int, flow: inout Flow) {
        guard let call = Call(rawValue: callIndex) else { return }
        ledger.lost(call, section: flow.section)
    }

    @inline(__always)
    private mutating func write(
        _ call: Call,
        _ template: RequestTemplate,
        id: IdentifierBytes?,
        into request: inout RequestBuffer
    ) -> Int {
        number += 1
        request.fill(template, number: number, id: id)
        return call.rawValue
    }
}

/// The request templates of one sale: one reserve per section, one of each other call.
struct SaleTemplates {
    let reserve: [RequestTemplate]
    let priceLock: RequestTemplate
    let confirm: RequestTemplate
    let release: RequestTemplate

    init(sections: [(id: String, pricing: String)], endpoint: Endpoint, runPrefix: String) {
        func template(_ path: String, _ body: String) -> RequestTemplate {
            RequestTemplate(method: "POST", path: path, body: body, endpoint: endpoint, runPrefix: runPrefix)
        }
        reserve = sections.map { section in
            Self.reserve(section: section.id, pricing: section.pricing, endpoint: endpoint, runPrefix: runPrefix)
        }
        priceLock = template("/api/v1/reservations/*/price-lock", "{}")
        confirm = template(
            "/api/v1/reservations/*/confirm",
            #"{"payment_reference":"pay-\#(RequestTemplate.counterMark)"}"#
        )
        release = template("/api/v1/reservations/*/release", "{}")
    }

    /// One ticket for a customer who was never seen before.
    static func reserve(section: String, pricing: String, endpoint: Endpoint, runPrefix: String) -> RequestTemplate {
        RequestTemplate(
            method: "POST",
            path: "/api/v1/capacity/\(section)/reserve",
            body: reserveBody(pricing: pricing),
            endpoint: endpoint,
            runPrefix: runPrefix
        )
    }

    static func reserveBody(pricing: String) -> String {
        #"{"quantity":1,"customer_id":"c-\#(RequestTemplate.counterMark)","pricing_id":"\#(pricing)"}"#
    }
}

/// What the client knows about each section's stock, to hold the server's own count against.
struct SaleLedger: Equatable {
    struct Section: Equatable {
        var reserved = 0
        var confirmed = 0
        var released = 0
        /// Calls that may or may not have taken effect: their connection broke.
        var reservesUnknown = 0
        var confirmsUnknown = 0
        var releasesUnknown = 0
    }

    private(set) var sections: [Section]

    init(sectionCount: Int) {
        sections = Array(repeating: Section(), count: sectionCount)
    }

    @inline(__always)
    mutating func succeeded(_ call: SaleScenario.Call, section: Int) {
        switch call {
        case .reserve: sections[section].reserved += 1
        case .confirm: sections[section].confirmed += 1
        case .release: sections[section].released += 1
        case .priceLock: break
        }
    }

    mutating func lost(_ call: SaleScenario.Call, section: Int) {
        switch call {
        case .reserve: sections[section].reservesUnknown += 1
        case .confirm: sections[section].confirmsUnknown += 1
        case .release: sections[section].releasesUnknown += 1
        case .priceLock: break
        }
    }
}

/// A small, fast, seedable generator: the same seed gives the same sequence of buyers.
struct SplitMix64 {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    @inline(__always)
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    @inline(__always)
    mutating func next(below bound: UInt64) -> UInt64 {
        next().multipliedFullWidth(by: bound).high
    }

    /// Uniform in [0, 1).
    @inline(__always)
    mutating func nextUnit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }
}
