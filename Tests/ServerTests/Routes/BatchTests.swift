import Foundation
import Testing

@testable import Engine
@testable import Server

/// Batches over the real route, from the socket to the log and back.
@Suite struct BatchTests {
    private func reserve(_ id: String, quantity: Int = 1, key: String? = nil, customer: String? = nil) -> String {
        var line = "{\"op\":\"reserve\",\"capacity_id\":\"\(id)\",\"quantity\":\(quantity)"
        if let customer { line += ",\"customer_id\":\"\(customer)\"" }
        if let key { line += ",\"idempotency_key\":\"\(key)\"" }
        return line + "}"
    }

    private func stock(_ client: LoopbackClient, _ id: String) throws -> [String: Any] {
        let answer = try JSONSerialization.jsonObject(with: Data(try client.get("/api/v1/capacity/\(id)").body.utf8))
        return (answer as! [String: Any])["capacity"] as! [String: Any]
    }

    @Test(arguments: [1, 3])
    func eachLineIsAnsweredInItsPlace(shards: Int) async throws {
        try await SaleServer.run(shards: shards) { server in
            for number in 0..<5 { try server.putOnSale("e\(number)", places: 1_000 * (number + 1)) }
            let client = try server.connect()
            let lines = (0..<2_000).map { reserve("e\($0 % 5)", customer: "c\($0)") }
            let answers = try client.batch(lines)
            #expect(answers.count == 2_000)
            for (index, answer) in answers.enumerated() {
                let reservation = try answer.json()["reservation"] as? [String: Any]
                #expect(answer.status == 200)
                #expect(reservation?["event_id"] as? String == "e\(index % 5)")
                #expect(reservation?["customer_id"] as? String == "c\(index)")
                let capacity = try answer.json()["capacity"] as? [String: Any]
                // Lines of one event take effect in their order.
                #expect(capacity?["reserved_capacity"] as? Int == index / 5 + 1)
            }
            for number in 0..<5 { #expect(try stock(client, "e\(number)")["reserved_capacity"] as? Int == 400) }
        }
    }

    @Test func aLineIsAnsweredAsTheRequestOfItsOwn() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala", places: 10)
            let client = try server.connect()
            func id(_ line: AnswerLine) throws -> String { try #require(line.reservation) }
            let several = #"{"event_id":"gala","items":[{"capacity_id":"gala","quantity":2}]}"#
            let held = try client.batch([
                reserve("gala", quantity: 2, key: "a"),
                #"{"op":"reservations","idempotency_key":"b","# + several.dropFirst(),
            ])
            #expect(held.map(\.status) == [200, 201])
            let first = try id(held[0])
            let second = try id(held[1])
            let path = "/api/v1/reservations/\(first)"
            let singles: [(path: String, body: String, line: String, status: Int)] = [
                (path + "/price-lock", "{}", "{\"op\":\"price-lock\",\"reservation_id\":\"\(first)\"}", 200),
                (
                    path + "/extend", #"{"seconds":60}"#,
                    "{\"seconds\":60,\"op\":\"extend\",\"reservation_id\":\"\(first)\"}", 200
                ),
                (
                    path + "/confirm", #"{"payment_reference":"p","amount":99}"#,
                    "{\"op\":\"confirm\",\"reservation_id\":\"\(first)\",\"payment_reference\":\"p\",\"amount\":99.0}",
                    409
                ),
                (
                    path + "/confirm", #"{"payment_reference":"p","amount":100.0}"#,
                    "{\"op\":\"confirm\",\"reservation_id\":\"\(first)\",\"payment_reference\":\"p\",\"amount\":100}",
                    200
                ),
                (
                    "/api/v1/reservations/\(second)/release", "",
                    "{\"op\":\"release\",\"reservation_id\":\"\(second)\"}", 200
                ),
                ("/api/v1/capacity/gala/reserve", #"{"quantity":9}"#, reserve("gala", quantity: 9), 409),
            ]
            for (number, single) in singles.enumerated() {
                let keyed = single.line.dropLast() + ",\"idempotency_key\":\"k\(number)\"}"
                let line = try client.batch([String(keyed)])
                #expect(line[0].status == single.status, "\(line[0].body)")
                let alone = try client.post(single.path, single.body, key: "k\(number)")
                #expect(alone.status == single.status)
                #expect(alone.body == line[0].body)
            }
        }
    }

    @Test func anOrderIsRefunded() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala", places: 10)
            let client = try server.connect()
            let id = try #require(try client.batch([reserve("gala", quantity: 2)])[0].reservation)
            let order = "ord_" + id.dropFirst(4)
            // Both lines at once: the refund finds what the line before it has sold.
            let answers = try client.batch([
                "{\"op\":\"confirm\",\"reservation_id\":\"\(id)\",\"payment_reference\":\"p\",\"amount\":100}",
                "{\"restock\":true,\"op\":\"refund\",\"order_id\":\"\(order)\"}",
            ])
            #expect(answers.map(\.status) == [200, 200])
            #expect(answers[0].orderID == order)
            #expect(((try answers[1].json())["order"] as? [String: Any])?["status"] as? String == "refunded")
            #expect(try stock(client, "gala")["available_capacity"] as? Int == 10)
        }
    }

    private func offerCode(_ body: String) throws -> String {
        let answer = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
        let transfer = (answer?["ticket"] as? [String: Any])?["transfer"] as? [String: Any]
        return try #require(transfer?["code"] as? String, "\(body)")
    }

    /// A call about tickets, once as a line of a batch and once by itself, with the same key.
    private struct TicketCall {
        var operation: String
        /// Of the ticket that the path names; nil for a call without.
        var ticket: String?
        var members: String
        var status = 200
        var isBatchFirst = false

        private var key: String { "\(operation)-\(members.count)-\(isBatchFirst)" }

        private var line: String {
            var members = ["\"op\":\"\(operation)\"", "\"idempotency_key\":\"\(key)\"", members]
            if let ticket { members.append("\"ticket_id\":\"\(ticket)\"") }
            return "{\(members.joined(separator: ","))}"
        }

        private var path: String {
            switch operation {
            case "transfer": "/api/v1/tickets/\(ticket!)/transfer"
            case "accept": "/api/v1/tickets/\(ticket!)/transfer/accept"
            default: "/api/v1/tickets/validate"
            }
        }

        /// The answer, which is the same both times.
        func body(_ client: LoopbackClient) throws -> String {
            var bodies: [String] = []
            for isBatch in [isBatchFirst, !isBatchFirst] {
                if isBatch {
                    let answer = try client.batch([line])[0]
                    #expect(answer.status == status)
                    bodies.append(answer.body)
                } else {
                    let reply = try client.post(path, "{\(members)}", key: key)
                    #expect(reply.status == status)
                    bodies.append(reply.body)
                }
            }
            #expect(bodies[0] == bodies[1])
            return bodies[0]
        }
    }

    /// The keys are the same in a batch and by themselves, whichever came first.
    @Test(arguments: [1, 2])
    func ticketsAreUsedInABatch(shards: Int) async throws {
        try await SaleServer.run(shards: shards) { server in
            try server.putOnSale("gala", places: 10)
            try useTickets(try server.connect())
        }
    }

    private func useTickets(_ client: LoopbackClient) throws {
        let id = try #require(try client.batch([reserve("gala", quantity: 3, customer: "ada")])[0].reservation)
        let sold = try client.batch(["{\"op\":\"confirm\",\"reservation_id\":\"\(id)\",\"payment_reference\":\"p\"}"])
        let tickets = try #require(try sold[0].json()["tickets"] as? [[String: Any]])
        let ids = tickets.map { $0["id"] as? String ?? "" }
        let codes = zip(ids, tickets).map { "\($0).\($1["code"] as? String ?? "")" }
        for (isBatchFirst, taker) in [(true, "ben"), (false, "cyd")] {
            var call = TicketCall(operation: "transfer", ticket: ids[0], members: "\"recipient\":\"\(taker)\"")
            call.isBatchFirst = isBatchFirst
            let code = try offerCode(try call.body(client))
            call.operation = "accept"
            call.members = "\"code\":\"\(code)\",\"customer_id\":\"\(taker)\""
            #expect(try call.body(client).contains("\"\(taker)\""))
        }
        var scan = TicketCall(
            operation: "validate",
            members: "\"code\":\"\(codes[0])\"",
            status: 409,
            isBatchFirst: true
        )
        #expect(try scan.body(client).contains("TICKET_VOID"))
        scan = TicketCall(operation: "validate", members: "\"code\":\"\(codes[1])\"")
        #expect(try scan.body(client).contains("CHECKED_IN"))
        scan.members = "\"scans\":[{\"code\":\"\(codes[1])\"},{\"code\":\"\(codes[2])\"}]"
        #expect(try scan.body(client).contains("ALREADY_CHECKED_IN"))
    }

    @Test(arguments: [1, 2])
    func aLineThatCannotBeReadHasItsOwnAnswer(shards: Int) async throws {
        try await SaleServer.run(shards: shards) { server in
            for event in ["gala", "ball"] { try server.putOnSale(event) }
            let client = try server.connect()
            let lines: [(String, Int, String?)] = [
                (reserve("gala"), 200, nil), ("nonsense", 400, "MALFORMED_BODY"), ("[]", 400, "MALFORMED_BODY"),
                (reserve("ball"), 200, nil), (reserve("gala") + "}", 400, "MALFORMED_BODY"),
                ("{}", 422, "VALIDATION_FAILED"), (#"{"op":"steal"}"#, 422, "VALIDATION_FAILED"),
                (#"{"op":7}"#, 422, "VALIDATION_FAILED"), (reserve("gala", quantity: 0), 422, "VALIDATION_FAILED"),
                (#"{"op":"reserve","quantity":1}"#, 422, "VALIDATION_FAILED"),
                (reserve("nowhere"), 404, "CAPACITY_NOT_FOUND"),
                (#"{"op":"release","reservation_id":"rsv_x"}"#, 404, "RESERVATION_NOT_FOUND"),
                (#"{"op":"refund","order_id":"ord_x"}"#, 404, "ORDER_NOT_FOUND"),
                (#"{"op":"transfer","ticket_id":"tkt_x"}"#, 404, "TICKET_NOT_FOUND"),
                (#"{"op":"transfer"}"#, 422, "VALIDATION_FAILED"),
                (#"{"op":"accept","ticket_id":"tkt_x","code":"c"}"#, 422, "VALIDATION_FAILED"),
                (#"{"op":"validate"}"#, 422, "VALIDATION_FAILED"),
                (#"{"op":"validate","code":"c"}"#, 404, "TICKET_NOT_FOUND"),
                (#"{"op":"reserve","op":"reserve","capacity_id":"gala","quantity":1}"#, 400, "MALFORMED_BODY"),
                (reserve("gala", key: ""), 422, "VALIDATION_FAILED"),
                (reserve("gala", key: "two words"), 422, "VALIDATION_FAILED"), (reserve("gala"), 200, nil),
                ("{\"op\":\"x\(String(repeating: "x", count: 65_536))\"}", 413, "LINE_TOO_LARGE"),
                (reserve("ball"), 200, nil),
            ]
            let answers = try client.batch(lines.map(\.0))
            #expect(answers.count == lines.count)
            for (line, answer) in zip(lines, answers) {
                #expect(answer.status == line.1, "\(line.0.prefix(100)): \(answer.body)")
                #expect(answer.code == line.2, "\(line.0.prefix(100))")
            }
            #expect(try stock(client, "gala")["reserved_capacity"] as? Int == 2)
            #expect(try stock(client, "ball")["reserved_capacity"] as? Int == 2)
        }
    }

    @Test func blankLinesHaveNoAnswer() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            let answers = try client.batch(["", reserve("gala") + "\r", " \t\r", "", reserve("gala"), "", ""])
            #expect(answers.map(\.status) == [200, 200])
        }
    }

    @Test func aKeyHasOneEffectAndOneAnswer() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala", places: 10)
            let client = try server.connect()
            let answers = try client.batch([
                reserve("gala", quantity: 3, key: "k", customer: "ann"),
                // In another order, with blanks, and with a member that means nothing: the same request.
                #"{"customer_id":"ann", "x":1, "idempotency_key":"k", "quantity":3, "capacity_id":"gala", "op":"reserve"}"#,
                reserve("gala", quantity: 4, key: "k", customer: "ann"), reserve("gala", quantity: 8, key: "s"),
                reserve("gala", quantity: 3, key: "k\\u002f"), reserve("gala", quantity: 3, key: "k\\/"),
            ])
            #expect(answers.map(\.status) == [200, 200, 422, 409, 200, 200])
            #expect(answers[1] == answers[0])
            #expect(answers[2].code == "IDEMPOTENCY_KEY_REUSED")
            #expect(answers[5] == answers[4])
            #expect(try stock(client, "gala")["reserved_capacity"] as? Int == 6)
            // Sent singly the same keys find the same answers, and the same refusals.
            let path = "/api/v1/capacity/gala/reserve"
            let again = try client.post(path, #"{"quantity":3,"customer_id":"ann"}"#, key: "k")
            #expect(again.body == answers[0].body)
            #expect(try client.post(path, #"{"quantity":5}"#, key: "k").status == 422)
            #expect(try client.post(path, #"{"quantity":8}"#, key: "s").body == answers[3].body)
            let single = try client.post(path, #"{"quantity":1}"#, key: "single")
            #expect(try client.batch([reserve("gala", key: "single")])[0].body == single.body)
            #expect(try stock(client, "gala")["reserved_capacity"] as? Int == 7)
        }
    }

    @Test func answersAreKeptAcrossARestart() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let lines =
            (0..<1_000).map { reserve("gala", key: "k\($0)") } + ["oops", reserve("gala", quantity: 2, key: "k0")]
        let first = try await SaleServer.run(folder: folder) { server in
            try server.putOnSale("gala", places: 900)
            return try server.connect().batch(lines)
        }
        #expect(first.count { $0.status == 200 } == 900)
        let second = try await SaleServer.run(folder: folder, shards: 2) { server in
            let client = try server.connect()
            #expect(try stock(client, "gala")["reserved_capacity"] as? Int == 900)
            return try client.batch(lines)
        }
        #expect(second[..<1_000] == first[..<1_000])
        #expect(second[1_001].code == "IDEMPOTENCY_KEY_REUSED")
    }

    @Test func aCustomerActsInTheirOwnName() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            let lines = [reserve("gala", customer: "ann"), reserve("gala", customer: "bob"), reserve("gala")]
            let body = lines.joined(separator: "\n")
            try client.send(
                "POST /api/v1/batch HTTP/1.1\r\nHost: test\r\nX-Customer-Id: ann\r\nX-Request-Id: mine\r\n"
                    + "Content-Type: application/jsonl; charset=utf-8\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            )
            let reply = try client.next()
            #expect(reply.headers["x-request-id"] == "mine")
            let answers = try AnswerLine.lines(of: reply)
            #expect(answers.map(\.status) == [200, 403, 200])
            #expect((try answers[2].json()["reservation"] as? [String: Any])?["customer_id"] as? String == "ann")
        }
    }
}
