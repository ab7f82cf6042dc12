import Foundation
import Testing

@testable import Engine
@testable import Server

/// One customer with as many reservations as one may have: the answer, and that it is counted right after a restart.
@Suite struct CustomerLimitTests {
    @Test func tenThousandReservationsAreTheLimitOfACustomer() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let one = #"{"quantity":1,"customer_id":"counter"}"#
        try await SaleServer.run(folder: folder) { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            let line = #"{"op":"reserve","capacity_id":"gala","quantity":1,"customer_id":"counter"}"#
            let answers = try client.batch(Array(repeating: line, count: 9_999))
            #expect(answers.allSatisfy { $0.status == 200 })
            #expect(try client.post("/api/v1/capacity/gala/reserve", one).status == 200)
            try check(try client.post("/api/v1/capacity/gala/reserve", one, key: "over"))
            let several = #"{"event_id":"gala","customer_id":"counter","items":[{"capacity_id":"gala","quantity":1}]}"#
            try check(try client.post("/api/v1/reservations", several))
        }
        try await SaleServer.run(folder: folder) { server in
            let client = try server.connect()
            try check(try client.post("/api/v1/capacity/gala/reserve", one, key: "over"))
            try check(try client.post("/api/v1/capacity/gala/reserve", one))
            // Others buy on, and so does whoever leaves the customer away.
            let other = #"{"quantity":1,"customer_id":"ada"}"#
            #expect(try client.post("/api/v1/capacity/gala/reserve", other).status == 200)
            #expect(try client.post("/api/v1/capacity/gala/reserve", #"{"quantity":1}"#).status == 200)
        }
    }

    private func check(_ reply: LoopbackClient.Reply) throws {
        let json = try LimitShop.json(reply)
        #expect(reply.status == 409 && json["code"] as? String == "CUSTOMER_RESERVATION_LIMIT", "\(reply.body)")
        #expect(json["held"] as? Int == 10_000 && json["limit"] as? Int == 10_000)
        #expect(reply.headers["retry-after"] == nil)
    }
}
