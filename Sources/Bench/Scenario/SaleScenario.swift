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
