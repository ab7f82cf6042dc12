import Foundation
import Testing

@testable import Server

/// The picture of a ticket's code, over a socket.
@Suite struct TicketCodeTests {
    @Test func whoeverHasTheTicketGetsItsPictureUntilItIsRefunded() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            let held = try CatalogueClient.json(
                try client.post("/api/v1/capacity/gala/reserve", #"{"quantity":1,"customer_id":"ada"}"#)
            )
            let id = try #require((held["reservation"] as? [String: Any])?["id"] as? String)
            let sold = try CatalogueClient.json(
                try client.post("/api/v1/reservations/\(id)/confirm", #"{"payment_reference":"p"}"#)
            )
            let ticket = try #require((sold["tickets"] as? [[String: Any]])?.first?["id"] as? String)
            let order = try #require((sold["order"] as? [String: Any])?["id"] as? String)
            let picture = try client.get("/api/v1/tickets/\(ticket)/qr")
            #expect(picture.status == 200 && picture.headers["content-type"] == "image/svg+xml")
            #expect(picture.body.hasPrefix("<svg") || picture.body.hasPrefix("<?xml"))
            let tag = try #require(picture.headers["etag"])
            let again = "GET /api/v1/tickets/\(ticket)/qr HTTP/1.1\r\nHost: test\r\nIf-None-Match: \(tag)\r\n\r\n"
            try client.send(again)
            #expect(try client.next().status == 304)
            try client.send(again.replacing("If-None-Match: \(tag)", with: "X-Customer-Id: ben"))
            #expect(try client.next().status == 404, "somebody else's")
            #expect(try client.post("/api/v1/orders/\(order)/refund", "{}").status == 200)
            let refunded = try client.get("/api/v1/tickets/\(ticket)/qr")
            #expect(refunded.status == 409 && refunded.body.contains("TICKET_REFUNDED"))
        }
    }
}
