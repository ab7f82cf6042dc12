/// Makes so many holds, one ticket each, section after section, and keeps their ids: the state that other scenarios
/// begin from.
struct HoldingScenario: Scenario {
    struct Hold {
        let id: IdentifierBytes
        let section: Int
    }

    static let holdsMax = 16_000_000

    let templates: [RequestTemplate]
    let count: Int
    private(set) var holds: [Hold] = []
    private(set) var ledger: SaleLedger
    private var begun = 0
    private var section = 0

    /// - Parameter templates: a reserve call for each section.
    init(templates: [RequestTemplate], count: Int) {
        precondition(!templates.isEmpty && 0...Self.holdsMax ~= count)
        self.templates = templates
        self.count = count
        ledger = SaleLedger(sectionCount: templates.count)
        holds.reserveCapacity(count)
    }

    let callNames = ["reserve"]
    var isExhausted: Bool { begun >= count }

    /// The section that is reserved from.
    func makeFlow() -> Int { 0 }

    @inline(__always)
    mutating func begin(_ flow: inout Int, request: inout RequestBuffer) -> Int {
        flow = section
        section = section + 1 == templates.count ? 0 : section + 1
        begun += 1
        request.fill(templates[flow], number: UInt64(begun))
        return 0
    }

    @inline(__always)
    mutating func answered(
        _ call: Int,
        _ answer: Answer,
        flow: inout Int,
        mayContinue: Bool,
        request: inout RequestBuffer
    ) -> AnswerOutcome {
        guard answer.isSuccess else { return AnswerOutcome() }
        ledger.succeeded(.reserve, section: flow)
        guard let id = IdentifierBytes(reservationIn: answer.body) else { return AnswerOutcome(error: .noIdentifier) }
        holds.append(Hold(id: id, section: flow))
        return AnswerOutcome()
    }

    mutating func lost(_ call: Int, flow: inout Int) { ledger.lost(.reserve, section: flow) }
}
