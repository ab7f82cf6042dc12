/// The customers that hold or own something of an event, each with the chain of their holds.
struct CustomerTable: Sendable {
    struct Customer: Sendable {
        let id: ShortText
        /// First slot of the chain of live and confirmed holds; `none` ends it.
        var firstHold: UInt32 = CustomerTable.none
        var openHolds: UInt32 = 0
        /// Length of the chain.
        var holds: UInt32 = 0
    }

    static let none = UInt32.max

    private var customers = PagedArray<Customer>()
    private var index = FlatIndex()

    subscript(number: UInt32) -> Customer {
        get { customers[Int(number)] }
        _modify { yield &customers[Int(number)] }
    }

    func find(_ id: ShortText) -> UInt32? {
        id.isEmpty ? nil : index.find(Self.hash(id)) { customers[Int($0)].id == id }
    }

    /// The customer's number; `none` for the empty id.
    mutating func intern(_ id: ShortText) -> UInt32 {
        if id.isEmpty { return Self.none }
        let hash = Self.hash(id)
        if let known = index.find(hash, { customers[Int($0)].id == id }) { return known }
        let number = UInt32(customers.count)
        customers.append(Customer(id: id))
        index.insert(hash, number)
        return number
    }

    func id(_ number: UInt32) -> ShortText { number == Self.none ? .empty : customers[Int(number)].id }

    private static func hash(_ id: ShortText) -> UInt64 {
        var hash = StableHash()
        id.withBytes { hash.combine($0) }
        return hash.finish()
    }
}
