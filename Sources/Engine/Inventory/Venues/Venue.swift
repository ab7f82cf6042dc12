/// What an organizer says of a venue. A tenant's events may name it.
public struct VenueDetails: Equatable, Sendable {
    public var id: ShortText
    public var name: String
    /// How many places the sections of one date may have together; 1 to 1,000,000,000.
    public var maximumCapacity: UInt32
    public var address = VenueAddress()
    /// Members of the organizer's JSON that this engine doesn't know, as in `EventDetails.attributes`.
    public var attributes = ""

    public init(id: ShortText, name: String, maximumCapacity: UInt32) {
        self.id = id
        self.name = name
        self.maximumCapacity = maximumCapacity
    }
}

/// Where a venue is, as the organizer wrote it; each part up to 1,024 bytes, empty where nothing was said.
public struct VenueAddress: Equatable, Sendable {
    public var street = ""
    public var city = ""
    public var state = ""
    public var postalCode = ""
    public var country = ""

    public init() {}

    var parts: [String] { [street, city, state, postalCode, country] }
}

/// A venue at one moment.
public struct VenueView: Equatable, Sendable {
    public var details: VenueDetails
    /// One more at every change; starts at 1.
    public var version: UInt32
    public var createdAt: Milliseconds

    package init(details: VenueDetails, version: UInt32, createdAt: Milliseconds) {
        self.details = details
        self.version = version
        self.createdAt = createdAt
    }
}

/// One page of a tenant's venues, in the order of their ids' bytes.
public struct VenuePage: Equatable, Sendable {
    public var views: [VenueView]
    /// Whether others come behind the last one.
    public var hasMore: Bool

    package init(views: [VenueView], hasMore: Bool) {
        self.views = views
        self.hasMore = hasMore
    }
}

/// A tenant's venues: in the order in which they came, and in that of their ids.
struct VenueTable: Sendable {
    private(set) var venues: ContiguousArray<VenueView> = []
    /// Places in `venues`, by the bytes of the ids.
    private var order: ContiguousArray<UInt32> = []

    var count: Int { venues.count }

    func find(_ id: ShortText) -> VenueView? { index(of: id).map { venues[$0] } }

    /// - Precondition: there is none with this id.
    mutating func add(_ venue: VenueView) {
        let place = place(of: venue.details.id)
        order.insert(UInt32(venues.count), at: place)
        venues.append(venue)
    }

    /// Applies `Fact.venueUpdated`.
    /// - Precondition: the venue is there.
    mutating func update(_ details: VenueDetails) {
        guard let index = index(of: details.id) else { preconditionFailure("a venue that there is not") }
        venues[index].details = details
        venues[index].version += 1
    }

    /// - Parameter after: an id; empty for the first page.
    func page(after: ShortText, limit: Int) -> VenuePage {
        var first = after.isEmpty ? 0 : place(of: after)
        if first < order.count, venues[Int(order[first])].details.id == after { first += 1 }
        let page = order[first..<min(order.count, first + limit)]
        return VenuePage(views: page.map { venues[Int($0)] }, hasMore: page.endIndex < order.count)
    }

    private func index(of id: ShortText) -> Int? {
        let place = place(of: id)
        guard place < order.count, venues[Int(order[place])].details.id == id else { return nil }
        return Int(order[place])
    }

    /// The first place whose id does not come before `id`.
    private func place(of id: ShortText) -> Int {
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if venues[Int(order[middle])].details.id.precedes(id) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Whether the order is that of the ids, and has each of them once.
    var isInOrder: Bool {
        guard order.count == venues.count else { return false }
        return zip(order, order.dropFirst()).allSatisfy {
            venues[Int($0)].details.id.precedes(venues[Int($1)].details.id)
        }
    }
}
