/// Pays for holds that were made beforehand, each once; ends when it comes to `holdsEnd`.
struct ConfirmScenario: Scenario {
    let template: RequestTemplate
    let holds: [HoldingScenario.Hold]
    /// The hold to stop before: keeps some for a later phase.
    var holdsEnd: Int
    private(set) var ledger: SaleLedger
    private var next = 0

    /// - Parameter ledger: of those who made the holds.
    init(template: RequestTemplate, holds: [HoldingScenario.Hold], ledger: SaleLedger) {
        self.template = template
        self.holds = holds
        self.holdsEnd = holds.count
        self.ledger = ledger
    }

    let callNames = ["confirm"]
    var isExhausted: Bool { next >= holdsEnd }

    /// The section of the hold that is being paid.
    func makeFlow() -> Int { 0 }

    @inline(__always)
    mutating func begin(_ flow: inout Int, request: inout RequestBuffer) -> Int {
        flow = holds[next].section
        // Beyond the numbers that made the holds: a key is used once.
        request.fill(template, number: UInt64(holds.count + next + 1), id: holds[next].id)
        next += 1
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
        if answer.isSuccess { ledger.succeeded(.confirm, section: flow) }
        return AnswerOutcome()
    }

    mutating func lost(_ call: Int, flow: inout Int) { ledger.lost(.confirm, section: flow) }
}
