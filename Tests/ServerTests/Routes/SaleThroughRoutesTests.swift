import Foundation
import Testing
import WAL

@testable import Engine
@testable import Server

/// One event behind the router and the renderings: requests in, responses out, the real rules between them.
private struct Shop: SectionLookup {
    var event: EventInventory?
    var now = TestRequest.now
    private var requests: UInt64 = 0

    func find(tenant: ShortText, section: ShortText) -> (EventKey, SectionNumber)? {
        guard let event, event.tenant == tenant, let number = event.sectionNumber(id: section) else { return nil }
        return (event.key, number)
    }

    mutating func ask(
        _ method: String,
        _ target: String,
        _ body: String? = nil,
        key: String? = nil,
        tenant: String? = nil,
        customer: String? = nil
    ) throws -> Response {
        requests += 1
        var request = TestRequest(method, target, body, key: key, tenant: tenant, customer: customer)
        request.random = (requests &* 0x9E37_79B9_7F4A_7C15, requests)
        var writer = ResponseWriter()
        let range =
            switch try request.route(now: now, sections: &self) {
            case .submission(let submission): writer.write(perform(submission), submission.reply, of: event)
            case .readThenWrite(let change): run(change, &writer)
            case .problem(let problem, let reply): writer.write(problem, reply)
            case .listEvents, .operation, .batch, .report, .feed, .availabilityStream, .feedStream:
                throw TestFailure("not for an event")
            }
        return try Response(writer.bytes.withBytes(in: range) { Array($0) })
    }

    private mutating func run(_ change: ReadThenWrite, _ writer: inout ResponseWriter) -> Range<Int> {
        switch change.next(after: perform(change.read), of: event) {
        case .submit(let second): writer.write(perform(second), second.reply, of: event)
        case .answer(let outcome): writer.write(outcome, change.reply, of: event)
        case .problem(let problem): writer.write(problem, change.reply)
        }
    }

    private mutating func perform(_ submission: RoutedSubmission) -> Outcome {
        let context = submission.context
        guard event == nil || (event?.tenant == context.tenant && event?.key == submission.event) else {
            return .refused(.eventNotFound)
        }
        switch submission.work {
        case .query(let query):
            do throws(Rejection) {
                guard let event else { throw .eventNotFound }
                return .finding(try event.find(query, context))
            } catch {
                return .refused(error)
            }
        case .command(let command): return .answer(perform(command, context))
        }
    }

    private mutating func perform(_ command: Command, _ context: CommandContext) -> Answer {
        do throws(Rejection) {
            if let key = context.idempotency, let answer = try event?.remembered(key) { return answer }
            let answer = try decide(command, context)
            if let key = context.idempotency { keep(answer, key) }
            return answer
        } catch {
            return .rejected(error)
        }
    }

    private mutating func decide(_ command: Command, _ context: CommandContext) throws(Rejection) -> Answer {
        guard event != nil else {
            guard case .createEvent(let details) = command else { throw .eventNotFound }
            let decision = try EventInventory.decideCreation(details, context)
            event = EventInventory(creating: decision.first!)
            return decision.answer
        }
        let decision = try event!.decide(command, context)
        for fact in decision.facts { event!.apply(fact) }
        return decision.answer
    }

    private mutating func keep(_ answer: Answer, _ key: IdempotencyKey) {
        var buffer = RecordBuffer()
        buffer.beginRecord()
        answer.encode(into: &buffer)
        buffer.withLastPayload { event!.remember($0, for: key, at: now) }
    }
}

@Suite struct SaleThroughRoutesTests {
    private func shop() throws -> (Shop, pricing: String) {
        var shop = Shop()
        let created = try shop.ask("POST", "/api/v1/events", #"{"id":"show","name":"A","currency":"EUR","artist":"X"}"#)
        #expect(created.status == 201)
        let floor = #"{"id":"floor","section_name":"Floor","total_capacity":10}"#
        #expect(try shop.ask("POST", "/api/v1/events/show/capacity", floor).status == 201)
        let price = #"{"base_price":50.00,"service_fee":5.00,"facility_fee":2.50,"tax_rate":0.08,"currency":"EUR"}"#
        let tier = try shop.ask("POST", "/api/v1/events/show/pricing", price)
        #expect(tier.status == 201)
        #expect(try shop.ask("POST", "/api/v1/events/show/publish").status == 200)
        let pricing = (try tier.json()["pricing"] as! [String: Any])["id"] as! String
        return (shop, pricing)
    }

    private func reserve(_ shop: inout Shop, _ body: String, key: String? = nil) throws -> (Response, id: String) {
        let response = try shop.ask("POST", "/api/v1/capacity/floor/reserve", body, key: key)
        let reservation = try response.json()["reservation"] as? [String: Any]
        return (response, reservation?["id"] as? String ?? "")
    }

    @Test func fromTheEventToTheRefund() throws {
        var (shop, pricing) = try shop()
        let calculated = try shop.ask("POST", "/api/v1/pricing/\(pricing)/calculate", #"{"quantity":2}"#)
        #expect(calculated.body.contains("\"total\":124.20"))
        let (reserved, id) = try reserve(&shop, "{\"quantity\":2,\"pricing_id\":\"\(pricing)\"}")
        #expect(reserved.status == 200)
        let wrong = #"{"payment_reference":"p","amount":124.19}"#
        let mismatch = try shop.ask("POST", "/api/v1/reservations/\(id)/confirm", wrong)
        #expect(mismatch.status == 409)
        #expect(try mismatch.json()["code"] as? String == "AMOUNT_MISMATCH")
        let right = #"{"payment_reference":"p","amount":124.2}"#
        let sold = try shop.ask("POST", "/api/v1/reservations/\(id)/confirm", right)
        #expect(sold.status == 200)
        let tickets = try sold.json()["tickets"] as! [[String: Any]]
        #expect(tickets.count == 2)
        let order = (try sold.json()["order"] as! [String: Any])["id"] as! String
        let refund = "{\"tickets\":[\"\(tickets[1]["id"] as! String)\"]}"
        #expect(try shop.ask("POST", "/api/v1/orders/\(order)/refund", refund).status == 200)
        let read = try shop.ask("GET", "/api/v1/orders/\(order)").json()
        #expect((read["order"] as! [String: Any])["status"] as? String == "partially_refunded")
        let section = try shop.ask("GET", "/api/v1/capacity/floor").json()["capacity"] as! [String: Any]
        #expect(section["sold_count"] as? Int == 1)
        #expect(section["available_capacity"] as? Int == 9)
    }

    @Test func aRetryGetsTheSameBytes() throws {
        var (shop, pricing) = try shop()
        let body = "{\"quantity\":6,\"pricing_id\":\"\(pricing)\"}"
        let (first, id) = try reserve(&shop, body, key: "a")
        shop.now += 60_000
        let (again, _) = try reserve(&shop, body, key: "a")
        #expect(again.body == first.body)
        #expect(try reserve(&shop, "{\"quantity\":5}", key: "a").0.status == 422)
        let path = "/api/v1/reservations/\(id)/confirm"
        let confirm = #"{"payment_reference":"p","amount":372.60}"#
        let sold = try shop.ask("POST", path, confirm, key: "c")
        #expect(sold.status == 200)
        shop.now += 60_000
        #expect(try shop.ask("POST", path, confirm, key: "c").body == sold.body)
        let soldOut = try reserve(&shop, "{\"quantity\":5}", key: "b").0
        #expect(soldOut.status == 409)
        #expect(
            try soldOut.json()["detail"] as? String == "5 places of capacity floor were asked for; 4 are available."
        )
    }

    @Test func changesKeepWhatIsNotGiven() throws {
        var (shop, pricing) = try shop()
        let event = try shop.ask("PUT", "/api/v1/events/show", #"{"name":"B"}"#)
        #expect(event.status == 200)
        let details = try event.json()["event"] as! [String: Any]
        #expect(details["name"] as? String == "B" && details["artist"] as? String == "X")
        #expect(event.fields["ETag"] == "\"3\"")
        let section = try shop.ask("PUT", "/api/v1/capacity/floor", #"{"buffer_capacity":3}"#)
        #expect((try section.json()["capacity"] as! [String: Any])["available_capacity"] as? Int == 7)
        let tier = try shop.ask("PUT", "/api/v1/pricing/\(pricing)", #"{"base_price":40}"#)
        let changed = try tier.json()["pricing"] as! [String: Any]
        #expect(changed["base_price"] as? Double == 40 && changed["service_fee"] as? Double == 5)
        #expect(tier.fields["ETag"] == "\"2\"")
        let yen = try shop.ask("PUT", "/api/v1/events/show", #"{"currency":"JPY"}"#)
        #expect(try yen.json()["code"] as? String == "CURRENCY_FIXED")
        let thousandths = try shop.ask("PUT", "/api/v1/pricing/\(pricing)", #"{"base_price":40.001}"#)
        #expect(thousandths.status == 422)
    }

    @Test func othersFindNothing() throws {
        var (shop, _) = try shop()
        let (_, id) = try reserve(&shop, #"{"quantity":1,"customer_id":"ann"}"#)
        let path = "/api/v1/reservations/\(id)"
        #expect(try shop.ask("GET", path, customer: "ann").status == 200)
        for response in [
            try shop.ask("GET", path, customer: "bob"), try shop.ask("GET", path, tenant: "shop"),
            try shop.ask("DELETE", path, customer: "bob"), try shop.ask("GET", String(path.dropLast() + "_")),
        ] {
            #expect(response.status == 404)
            #expect(try response.json()["code"] as? String == "RESERVATION_NOT_FOUND")
        }
        #expect(try shop.ask("GET", "/api/v1/events/show", tenant: "shop").status == 404)
        #expect(try shop.ask("POST", "/api/v1/capacity/floor/check", #"{"quantity":1}"#, tenant: "shop").status == 404)
        #expect(try shop.ask("DELETE", path, customer: "ann").status == 204)
    }
}
