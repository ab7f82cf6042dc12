import Testing

@testable import Bench

/// Plays sales against the scenario without a network: the test writes the answers.
@Suite struct SaleScenarioTests {
    private let endpoint: Endpoint

    init() throws {
        endpoint = try Endpoint(url: "http://127.0.0.1:8080")
    }

    private func scenario(_ mix: SaleMix = .all(.confirm)) -> SaleScenario {
        let sections = [
            SaleSetup.Section(event: "e", id: "s0", pricing: "prc_0"),
            SaleSetup.Section(event: "e", id: "s1", pricing: "prc_1"),
        ]
        let templates = SaleTemplates(sections: sections, endpoint: endpoint, runPrefix: "0badcafe")
        return SaleScenario(templates: templates, mix: mix, seed: 1)
    }

    /// One buyer from start to end: the calls made, with the server's answers all well.
    private func play(_ scenario: inout SaleScenario, _ request: inout RequestBuffer) -> [SaleScenario.Call] {
        var flow = scenario.makeFlow()
        var calls: [SaleScenario.Call] = []
        var next: Int? = scenario.begin(&flow, request: &request)
        while let index = next, let call = SaleScenario.Call(rawValue: index) {
            calls.append(call)
            next = answer(&scenario, call, &flow, &request).nextCall
        }
        return calls
    }

    private func answer(
        _ scenario: inout SaleScenario,
        _ call: SaleScenario.Call,
        _ flow: inout SaleScenario.Flow,
        _ request: inout RequestBuffer,
        status: Int = 200,
        mayContinue: Bool = true,
        body: String = #"{"message":"held","reservation":{"id":"rsv_42"}}"#
    ) -> AnswerOutcome {
        Array(body.utf8).withUnsafeBytes { bytes in
            scenario.answered(
                call.rawValue,
                Answer(status: status, body: bytes),
                flow: &flow,
                mayContinue: mayContinue,
                request: &request
            )
        }
    }

    @Test func sharesOfBuyersDoWhatTheyAreMeantTo() throws {
        var scenario = scenario(try SaleMix("release=20,abandon=30,confirm=50"))
        var request = RequestBuffer()
        defer { request.deallocate() }
        var counts: [[SaleScenario.Call]: Int] = [:]
        for _ in 0..<10_000 { counts[play(&scenario, &request), default: 0] += 1 }
        #expect(counts.count == 3)
        #expect(4_800...5_200 ~= counts[[.reserve, .priceLock, .confirm]] ?? 0)
        #expect(1_850...2_150 ~= counts[[.reserve, .release]] ?? 0)
        #expect(2_800...3_200 ~= counts[[.reserve]] ?? 0)
        let sections = scenario.ledger.sections
        #expect(sections.map(\.reserved).reduce(0, +) == 10_000)
        #expect(sections.map(\.confirmed).reduce(0, +) == counts[[.reserve, .priceLock, .confirm]])
        #expect(sections.map(\.released).reduce(0, +) == counts[[.reserve, .release]])
        #expect(sections.allSatisfy { 4_800...5_200 ~= $0.reserved })
    }

    @Test func everyRequestHasAKeyOfItsOwn() {
        var scenario = scenario(.all(.abandon))
        var request = RequestBuffer()
        defer { request.deallocate() }
        var keys: Set<String> = []
        for _ in 0..<1000 {
            _ = play(&scenario, &request)
            let text = String(decoding: request.unsent, as: UTF8.self)
            keys.insert(String(text.split(separator: "Idempotency-Key: ")[1].prefix(19)))
        }
        #expect(keys.count == 1000)
    }

    @Test func theIdFromTheAnswerIsInTheNextRequest() {
        var scenario = scenario()
        var request = RequestBuffer()
        defer { request.deallocate() }
        var flow = scenario.makeFlow()
        _ = scenario.begin(&flow, request: &request)
        #expect(answer(&scenario, .reserve, &flow, &request).nextCall == SaleScenario.Call.priceLock.rawValue)
        #expect(
            String(decoding: request.unsent, as: UTF8.self).hasPrefix("POST /api/v1/reservations/rsv_42/price-lock ")
        )
        #expect(answer(&scenario, .priceLock, &flow, &request).nextCall == SaleScenario.Call.confirm.rawValue)
        #expect(String(decoding: request.unsent, as: UTF8.self).hasPrefix("POST /api/v1/reservations/rsv_42/confirm "))
    }

    @Test func aRefusalEndsTheBuyersVisitAndLeavesNoTrace() {
        var scenario = scenario()
        var request = RequestBuffer()
        defer { request.deallocate() }
        var flow = scenario.makeFlow()
        _ = scenario.begin(&flow, request: &request)
        let untouched = scenario.ledger
        #expect(answer(&scenario, .reserve, &flow, &request, status: 409).nextCall == nil)
        #expect(scenario.ledger == untouched)
    }

    @Test func aSuccessWithoutAnIdIsAnError() {
        var scenario = scenario()
        var request = RequestBuffer()
        defer { request.deallocate() }
        var flow = scenario.makeFlow()
        _ = scenario.begin(&flow, request: &request)
        #expect(answer(&scenario, .reserve, &flow, &request, body: "{}").error == .noIdentifier)
    }

    @Test func afterTheEndNobodyGoesOn() {
        var scenario = scenario()
        var request = RequestBuffer()
        defer { request.deallocate() }
        var flow = scenario.makeFlow()
        _ = scenario.begin(&flow, request: &request)
        #expect(answer(&scenario, .reserve, &flow, &request, mayContinue: false).nextCall == nil)
        #expect(scenario.ledger.sections.map(\.reserved).reduce(0, +) == 1)
    }

    @Test func everyKindOfVisitMakesItsCalls() throws {
        let calls: [SaleMix.Visit: [SaleScenario.Call]] = [
            .availability: [.availability], .event: [.event], .abandon: [.reserve], .release: [.reserve, .release],
            .extend: [.reserve, .extend, .confirm], .confirm: [.reserve, .priceLock, .confirm],
        ]
        for visit in SaleMix.Visit.allCases {
            var scenario = scenario(.all(visit))
            var request = RequestBuffer()
            defer { request.deallocate() }
            for _ in 0..<10 { #expect(play(&scenario, &request) == calls[visit]) }
        }
    }

    @Test func lookingTakesNoKeyAndNoBody() {
        var scenario = scenario(.all(.availability))
        var request = RequestBuffer()
        defer { request.deallocate() }
        var flow = scenario.makeFlow()
        _ = scenario.begin(&flow, request: &request)
        let text = String(decoding: request.unsent, as: UTF8.self)
        #expect(text == "GET /api/v1/capacity/s\(flow.section) HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n")
    }

    @Test(arguments: ["", "confirm", "confirm=x", "confirm=-1", "steal=1", "confirm=1,confirm=2", "confirm=1=2"])
    func aMixThatMakesNoSenseIsRefused(text: String) {
        #expect(throws: SaleMix.ParseError.self) { try SaleMix(text) }
    }

    @Test func aMixIsInPartsOfItsSum() throws {
        let mix = try SaleMix("availability=6,confirm=2")
        #expect(mix.visit(0) == .availability && mix.visit(0.7499) == .availability)
        #expect(mix.visit(0.75) == .confirm && mix.visit(0.9999) == .confirm)
        #expect(throws: SaleMix.ParseError.nobodyComes) { try SaleMix("confirm=0") }
    }
}
