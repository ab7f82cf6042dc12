/// Visitors of a sale, each with what they came for (`SaleMix`):
///
///     look at a section · look at the event
///     reserve · reserve → release · reserve → extend → confirm · reserve → price-lock → confirm
struct SaleScenario: Scenario {
    enum Call: Int, CaseIterable {
        case availability
        case event
        case reserve
        case priceLock
        case extend
        case confirm
        case release

        var name: String { self == .priceLock ? "price-lock" : "\(self)" }
    }

    struct Flow {
        var section = 0
        var visit = SaleMix.Visit.confirm
        var reservation = IdentifierBytes()
    }

    let templates: SaleTemplates
    let mix: SaleMix
    /// What was sold and held, per section, as far as the client was told.
    private(set) var ledger: SaleLedger
    private var random: SplitMix64
    private var number: UInt64 = 0

    init(templates: SaleTemplates, mix: SaleMix, seed: UInt64) {
        precondition(!templates.reserve.isEmpty)
        self.templates = templates
        self.mix = mix
        self.ledger = SaleLedger(sectionCount: templates.reserve.count)
        self.random = SplitMix64(seed: seed)
    }

    var callNames: [String] { Call.allCases.map(\.name) }

    func makeFlow() -> Flow { Flow() }

    @inline(__always)
    mutating func begin(_ flow: inout Flow, request: inout RequestBuffer) -> Int {
        flow.section = Int(random.next(below: UInt64(templates.reserve.count)))
        flow.visit = mix.visit(random.nextUnit())
        switch flow.visit {
        case .availability: return write(.availability, templates.availability[flow.section], id: nil, into: &request)
        case .event: return write(.event, templates.event[flow.section], id: nil, into: &request)
        case .abandon, .release, .extend, .confirm:
            return write(.reserve, templates.reserve[flow.section], id: nil, into: &request)
        }
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
        case .priceLock where mayContinue, .extend where mayContinue:
            return AnswerOutcome(nextCall: write(.confirm, templates.confirm, id: flow.reservation, into: &request))
        case .availability, .event, .priceLock, .extend, .confirm, .release: return AnswerOutcome()
        }
    }

    @inline(__always)
    private mutating func reserved(
        _ answer: Answer,
        _ flow: inout Flow,
        _ mayContinue: Bool,
        _ request: inout RequestBuffer
    ) -> AnswerOutcome {
        guard let reservation = IdentifierBytes(reservationIn: answer.body) else {
            return AnswerOutcome(error: .noIdentifier)
        }
        guard mayContinue else { return AnswerOutcome() }
        flow.reservation = reservation
        switch flow.visit {
        case .availability, .event, .abandon: return AnswerOutcome()
        case .release:
            return AnswerOutcome(nextCall: write(.release, templates.release, id: reservation, into: &request))
        case .extend:
            return AnswerOutcome(nextCall: write(.extend, templates.extend, id: reservation, into: &request))
        case .confirm:
            return AnswerOutcome(nextCall: write(.priceLock, templates.priceLock, id: reservation, into: &request))
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
