/// The same few requests in turn, again and again: reads of a sale, or what the client, the kernel and a server that
/// does nothing cost.
struct StaticScenario: Scenario {
    let callNames: [String]
    let templates: [RequestTemplate]
    private var number: UInt64 = 0
    private var next = 0

    init(name: String, templates: [RequestTemplate]) {
        precondition(!templates.isEmpty)
        self.callNames = [name]
        self.templates = templates
    }

    func makeFlow() {}

    @inline(__always)
    mutating func begin(_ flow: inout Void, request: inout RequestBuffer) -> Int {
        number += 1
        request.fill(templates[next], number: number)
        next = next + 1 == templates.count ? 0 : next + 1
        return 0
    }

    @inline(__always)
    mutating func answered(
        _ call: Int,
        _ answer: Answer,
        flow: inout Void,
        mayContinue: Bool,
        request: inout RequestBuffer
    ) -> AnswerOutcome {
        AnswerOutcome(nextCall: nil, error: nil)
    }

    mutating func lost(_ call: Int, flow: inout Void) {}
}
