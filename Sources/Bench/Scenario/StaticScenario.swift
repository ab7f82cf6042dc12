/// The same request again and again, to measure what the client, the kernel and a server that does nothing cost.
struct StaticScenario: Scenario {
    let callNames: [String]
    let template: RequestTemplate
    private var number: UInt64 = 0

    init(name: String, template: RequestTemplate) {
        self.callNames = [name]
        self.template = template
    }

    func makeFlow() {}

    @inline(__always)
    mutating func begin(_ flow: inout Void, request: inout RequestBuffer) -> Int {
        number += 1
        request.fill(template, number: number)
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
