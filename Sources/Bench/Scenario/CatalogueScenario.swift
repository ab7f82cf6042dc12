/// Creates many events, each with one section, and publishes them. `SaleSetup` does a few, one after the other; this
/// does a hundred thousand over many connections.
struct CatalogueScenario: Scenario {
    private let steps: [RequestTemplate]
    private let stem: String
    let count: Int
    private var begun: UInt64 = 0
    private(set) var published = 0

    init(count: Int, stockPerSection: Int, endpoint: Endpoint, runPrefix: String) {
        self.count = count
        stem = "bench-\(runPrefix)-"
        let event = stem + RequestTemplate.counterMark
        func step(_ name: String, _ path: String, _ body: String) -> RequestTemplate {
            // A key for each step: one key for two payloads of an event would be a reuse.
            RequestTemplate(method: "POST", path: path, body: body, endpoint: endpoint, runPrefix: runPrefix + name)
        }
        steps = [
            step("e", "/api/v1/events", #"{"id":"\#(event)","name":"Bench","currency":"EUR"}"#),
            step(
                "s",
                "/api/v1/events/\(event)/capacity",
                #"{"id":"\#(event)-s","section_name":"Floor","total_capacity":\#(stockPerSection)}"#
            ),
            step("p", "/api/v1/events/\(event)/publish", "{}"),
        ]
    }

    let callNames = ["create event", "create section", "publish"]
    var isExhausted: Bool { begun >= UInt64(count) }

    /// The ids of the sections.
    var sections: [String] {
        (1...max(1, count)).map { number in
            let digits = String(number)
            return stem + String(repeating: "0", count: RequestTemplate.counterDigits - digits.count) + digits + "-s"
        }
    }

    /// The number of the event that is being created.
    func makeFlow() -> UInt64 { 0 }

    mutating func begin(_ flow: inout UInt64, request: inout RequestBuffer) -> Int {
        begun += 1
        flow = begun
        request.fill(steps[0], number: flow)
        return 0
    }

    mutating func answered(
        _ call: Int,
        _ answer: Answer,
        flow: inout UInt64,
        mayContinue: Bool,
        request: inout RequestBuffer
    ) -> AnswerOutcome {
        guard answer.isSuccess else { return AnswerOutcome() }
        guard call + 1 < steps.count else {
            published += 1
            return AnswerOutcome()
        }
        request.fill(steps[call + 1], number: flow)
        return AnswerOutcome(nextCall: call + 1)
    }

    mutating func lost(_ call: Int, flow: inout UInt64) {}
}
