/// Reserves from one of many sections and gives the hold back: as many holds are live afterwards as before, so a
/// server can be measured at a size.
struct TurnoverScenario: Scenario {
    struct Flow {
        var reservation = IdentifierBytes()
    }

    private let sections: [IdentifierBytes]
    private let reserve: RequestTemplate
    private let release: RequestTemplate
    private var random: SplitMix64
    private var number: UInt64 = 0

    init(sections: [String], endpoint: Endpoint, runPrefix: String, seed: UInt64) {
        self.sections = sections.map { section in
            var section = section
            return section.withUTF8 { IdentifierBytes(UnsafeRawBufferPointer($0)) }!
        }
        reserve = Self.reserve(section: "*", endpoint: endpoint, runPrefix: runPrefix)
        release = RequestTemplate(
            method: "POST",
            path: "/api/v1/reservations/*/release",
            body: "{}",
            endpoint: endpoint,
            runPrefix: runPrefix
        )
        random = SplitMix64(seed: seed)
    }

    /// One ticket; no price tier, since every event has its own.
    /// - Parameter section: its id, or `*` where that is put in.
    static func reserve(section: String, endpoint: Endpoint, runPrefix: String) -> RequestTemplate {
        RequestTemplate(
            method: "POST",
            path: "/api/v1/capacity/\(section)/reserve",
            body: #"{"quantity":1,"customer_id":"c-\#(RequestTemplate.counterMark)"}"#,
            endpoint: endpoint,
            runPrefix: runPrefix
        )
    }

    let callNames = ["reserve", "release"]

    func makeFlow() -> Flow { Flow() }

    @inline(__always)
    mutating func begin(_ flow: inout Flow, request: inout RequestBuffer) -> Int {
        number += 1
        request.fill(reserve, number: number, id: sections[Int(random.next(below: UInt64(sections.count)))])
        return 0
    }

    @inline(__always)
    mutating func answered(
        _ call: Int,
        _ answer: Answer,
        flow: inout Flow,
        mayContinue: Bool,
        request: inout RequestBuffer
    ) -> AnswerOutcome {
        guard answer.isSuccess, call == 0, mayContinue else { return AnswerOutcome() }
        guard let id = IdentifierBytes(reservationIn: answer.body) else { return AnswerOutcome(error: .noIdentifier) }
        number += 1
        request.fill(release, number: number, id: id)
        return AnswerOutcome(nextCall: 1)
    }

    mutating func lost(_ call: Int, flow: inout Flow) {}
}
