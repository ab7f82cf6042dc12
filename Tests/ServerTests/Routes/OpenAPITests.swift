import Foundation
import Testing

@testable import Engine
@testable import Server

/// The document that the server gives of itself, held against what is built.
@Suite struct OpenAPITests {
    let document: [String: Any]

    init() throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Sources")
        let data = try Data(contentsOf: sources.appending(path: "Server/Resources/openapi.json"))
        document = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    private func member(_ path: String...) throws -> [String: Any] {
        try path.reduce(document) { try #require($0[$1] as? [String: Any], "\($1)") }
    }

    @Test func itHasEveryRouteAndNoOther() throws {
        var documented: [Endpoint: Set<String>] = [:]
        var older: [Endpoint: Set<String>] = [:]
        for (path, operations) in try member("paths") {
            var text = path.replacing("{id}", with: "x").replacing("{schedule_id}", with: "y")
            let endpoint = try text.withUTF8 { utf8 in
                try #require(Endpoint.match(try PathSegments(UnsafeRawBufferPointer(utf8)))?.endpoint, "\(path)")
            }
            let members = try #require(operations as? [String: [String: Any]])
            let methods = Set(members.keys.map { $0.uppercased() })
            // An older name of a route leads to the same one, and says that it is older.
            if members.values.allSatisfy({ $0["deprecated"] as? Bool == true }) {
                older[endpoint] = methods
                continue
            }
            #expect(documented[endpoint] == nil, "\(path)")
            documented[endpoint] = methods
        }
        #expect(Set(older.keys) == [.eventPricing, .eventPricingActive, .pricing, .pricingCalculate])
        for (endpoint, methods) in older { #expect(documented[endpoint] == methods, "\(endpoint)") }
        for endpoint in Endpoint.allCases {
            let methods = Set(endpoint.methods.fieldValue.split(separator: ", ").map(String.init))
            #expect(documented[endpoint] == methods.subtracting(["HEAD"]), "\(endpoint)")
        }
    }

    @Test func everyReferenceLeadsSomewhere() throws {
        func check(_ value: Any) throws {
            if let list = value as? [Any] { try list.forEach(check) }
            guard let object = value as? [String: Any] else { return }
            try object.values.forEach(check)
            guard let reference = object["$ref"] as? String else { return }
            let path = reference.split(separator: "/").dropFirst().map(String.init)
            let target = try path.dropLast().reduce(document) { try #require($0[$1] as? [String: Any]) }
            #expect(target[path.last!] != nil, "\(reference)")
        }
        try check(document)
    }

    @Test func renderedThingsHaveTheMembersOfTheirSchemas() throws {
        let counts = SectionCounts(total: 100, buffer: 10, reserved: 5, sold: 20)
        let hold = KnownEvent.hold(status: .confirmed, order: KnownEvent.order())
        let reserved = Answer.reservedOne(KnownEvent.hold(), counts: counts, at: 0, isSingleSection: true)
        let rendered: [(String, String?, Outcome)] = [
            ("Reserved", nil, .answer(reserved)),
            ("Reservation", "reservation", .answer(reserved)),
            ("LockedPrice", "locked_price", .answer(reserved)),
            ("OrderAndTickets", nil, .answer(.order(hold, at: 0))),
            ("Order", "order", .answer(.order(hold, at: 0))),
            ("Event", "event", .finding(.event(KnownEvent.view))),
            ("Capacity", "capacity", .finding(.section(KnownEvent.section))),
            ("Pricing", "pricing", .answer(.tier(KnownEvent.tier))),
            ("Venue", "venue", .answer(.venue(KnownEvent.venue))),
            ("Schedule", "schedule", .answer(.schedule(KnownEvent.schedule))),
            ("Calculation", nil, .finding(.price(KnownEvent.tier, Quote(lock: KnownEvent.lock, quantity: 1)))),
            ("Availability", "availability", .finding(.availability([KnownEvent.availability], count: 1))),
            ("Problem", nil, .refused(.invalid(.name))),
        ]
        for (schema, name, outcome) in rendered {
            let whole = try response(outcome).json()
            try check(name.map { whole[$0] as! [String: Any] } ?? whole, against: schema)
        }
        let tickets = try response(.answer(.order(hold, at: 0))).json()["tickets"] as! [[String: Any]]
        try check(tickets[0], against: "Ticket")
        let total = try response(.finding(.sections([KnownEvent.section])), reply(.total)).json()
        try check(total["capacity"] as! [String: Any], against: "CapacityTotal")
    }

    private func check(_ thing: [String: Any], against name: String) throws {
        let schema = try member("components", "schemas", name)
        let members = Set(thing.keys)
        let required = Set(schema["required"] as? [String] ?? [])
        #expect(required.isSubset(of: members), "\(name) lacks \(required.subtracting(members))")
        guard schema["additionalProperties"] as? Bool != true else { return }
        let known = Set(try #require(schema["properties"] as? [String: Any]).keys)
        #expect(members.isSubset(of: known), "\(name) has \(members.subtracting(known))")
    }
}
