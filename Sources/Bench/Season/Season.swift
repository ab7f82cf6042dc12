import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One evening of a hall from its building to its books, as everybody who takes part in it calls the server.
///
///     stage → on sale → refunds → gifts → doors → books
struct Season {
    static let venuePlaces = 20_000
    static let rows = 60
    static let seatsPerRow = 100

    let endpoint: Endpoint
    let buyers: Int
    let connections: Int
    let seed: UInt64
    /// Makes this run's ids its own.
    let prefix: String

    let office: SeasonClient
    var books = SeasonBooks()

    init(endpoint: Endpoint, buyers: Int, connections: Int, seed: UInt64) throws {
        self.endpoint = endpoint
        self.buyers = buyers
        self.connections = connections
        self.seed = seed
        prefix = RunPrefix.make()
        office = try SeasonClient(endpoint, name: "\(prefix)-office")
    }

    var event: String { "evening-\(prefix)" }
    var floor: String { "floor-\(prefix)" }
    var lower: String { "lower-\(prefix)" }
    var upper: String { "upper-\(prefix)" }
    var sections: [String] { [floor, lower, upper] }

    /// - Throws: when anything is answered otherwise than it should be, or the books don't add up.
    mutating func run() throws {
        let pricing = try stage()
        try sell(pricing)
        try refund()
        let void = try give()
        try openDoors(void: void)
        try close()
    }

    /// A line of what is going on.
    func tell(_ text: String) { print("  \(text)") }

    func begin(_ title: String) { print("\n\(title)") }

    /// - Throws: when it is not so.
    func expect(_ isSo: Bool, _ text: @autoclosure () -> String) throws {
        guard isSo else { throw SeasonClient.Unexpected(description: text()) }
    }
}

// MARK: - The stage

extension Season {
    /// The price tiers of the sections.
    struct Pricing: Sendable {
        let floor: String
        let lower: String
        let upper: String
    }

    private func stage() throws -> Pricing {
        begin("The hall")
        let venue = "hall-\(prefix)"
        try office.make(
            "/api/v1/venues",
            #"{"id":"\#(venue)","name":"The Old Hall","city":"Leipzig","max_capacity":\#(Self.venuePlaces)}"#
        )
        tell("a venue for \(Self.venuePlaces) people")
        try office.make(
            "/api/v1/events",
            #"{"id":"\#(event)","name":"Opening night","currency":"EUR","venue_id":"\#(venue)","hold_time_seconds":600}"#
        )
        let hour = 3_600.0
        let dates = [("starts_at", 48 * hour), ("ends_at", 51 * hour), ("doors_open_at", 47 * hour)]
            .map { #""\#($0)":"\#(Self.time(in: $1))""# }.joined(separator: ",")
        try office.make("/api/v1/events/\(event)/schedules", "{\"id\":\"first\",\(dates)}")
        let next = try office.find("/api/v1/events/\(event)/schedules/next")
        tell("an event, its first date \(next["schedule", "starts_at"].string ?? "?")")
        try addSections()
        let pricing = try addPricing()
        try office.make("/api/v1/events/\(event)/publish")
        tell("on sale")
        return pricing
    }

    private func addSections() throws {
        let seats = Self.rows * Self.seatsPerRow
        let standing = Self.venuePlaces - 2 * seats
        for (id, name, places) in [(floor, "Floor", standing), (lower, "Lower tier", 0), (upper, "Upper tier", 0)] {
            let single = id == lower ? #","leave_no_single_seat":true"# : ""
            try office.make(
                "/api/v1/events/\(event)/capacity",
                """
                {"id":"\(id)","section_name":"\(name)","total_capacity":\(places),"schedule_id":"first","maximum_purchase":8\
                \(single)}
                """
            )
        }
        let rows = (1...Self.rows).map { #"{"label":"\#($0)","from":1,"to":\#(Self.seatsPerRow)}"# }
        for id in [lower, upper] {
            try office.make("/api/v1/capacity/\(id)/seats", "{\"rows\":[\(rows.joined(separator: ","))]}")
        }
        let names = (1...10).map { "\"1-\($0)\"" }.joined(separator: ",")
        try office.make("/api/v1/capacity/\(lower)/seats/block", "{\"seats\":[\(names)]}")
        tell("\(standing) standing places and 2 × \(seats) numbered seats, ten of them kept for guests")
        let more = try office.post(
            "/api/v1/events/\(event)/capacity",
            #"{"id":"roof-\#(prefix)","section_name":"Roof","total_capacity":500,"schedule_id":"first"}"#
        )
        try expect(!more.isSuccess, "a section beyond the venue's maximum was taken")
        tell("500 more on the roof? \(more.code)")
    }

    private func addPricing() throws -> Pricing {
        func add(_ body: String) throws -> String {
            try office.make("/api/v1/events/\(event)/pricing", body)["pricing", "id"].string ?? ""
        }
        let until = Self.time(in: 24 * 3_600)
        let pricing = Pricing(
            floor: try add(
                """
                {"name":"Standing","capacity_id":"\(floor)","base_price":60.00,"early_bird_price":49.00,\
                "early_bird_ends_at":"\(until)","group_size_min":4,"group_discount_percentage":10,"service_fee":3.50,\
                "facility_fee":1.25,"tax_rate":0.07}
                """
            ),
            lower: try add(
                #"{"name":"Lower","capacity_id":"\#(lower)","base_price":89.00,"service_fee":5.00,"tax_rate":0.19}"#
            ),
            upper: try add(
                """
                {"name":"Upper","capacity_id":"\(upper)","base_price":45.00,"is_dynamic":true,"current_price":39.95,\
                "min_price":30.00,"max_price":80.00,"tax_rate":0.19,"max_per_customer":6}
                """
            )
        )
        let four = try office.make("/api/v1/pricing/\(pricing.floor)/calculate", #"{"quantity":4}"#)
        tell("early birds on the floor; four together cost \(Self.text(four["total"])) EUR, fees and tax in it")
        return pricing
    }

    static func time(in seconds: Double) -> String {
        Date(timeIntervalSinceNow: seconds.rounded()).formatted(.iso8601)
    }

    static func text(_ amount: JSONText) -> String { amount.decimal.map { "\($0)" } ?? "?" }
}
