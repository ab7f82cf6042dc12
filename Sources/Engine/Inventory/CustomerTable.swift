/// The customers that a slot of the slab names, each with the chain of their live and confirmed holds.
///
/// A customer is forgotten with the last slot that names them, so there are never more of them than slots.
struct CustomerTable: Sendable {
    struct Customer: Sendable {
        /// First slot of the chain; `none` ends it. Of an entry not in use: the next such entry.
        var firstHold: UInt32 = CustomerTable.none
        var openHolds: UInt16 = 0
        /// Length of the chain; at most `InventoryLimits.holdsPerCustomerMax`.
        var holds: UInt16 = 0
        /// From the low end: 24 bits of the slots that name the customer, those of ended holds included; 8 bits of the
        /// id's length.
        private var slotsAndLength: UInt32
        fileprivate let id: TextArena.Address

        fileprivate init(id: TextArena.Address, idByteCount: UInt8) {
            self.id = id
            slotsAndLength = UInt32(idByteCount) << 24
        }

        fileprivate var slots: UInt32 {
            get { slotsAndLength & 0xff_ffff }
            set { slotsAndLength = slotsAndLength & 0xff00_0000 | newValue }
        }

        fileprivate var idByteCount: UInt8 { UInt8(slotsAndLength >> 24) }
    }

    static let none = UInt32.max

    private var customers = PagedArray<Customer>()
    private var ids = TextArena()
    private var index = FlatIndex()
    private var firstFree = CustomerTable.none

    /// Customers known.
    var count: Int { index.count }

    subscript(number: UInt32) -> Customer {
        @inline(__always) get { customers[Int(number)] }
        @inline(__always) _modify { yield &customers[Int(number)] }
    }

    @inline(__always)
    func find(_ id: ShortText) -> UInt32? {
        id.isEmpty ? nil : find(id, id.memoryHash)
    }

    @inline(__always)
    func prefetch(_ id: ShortText) { if !id.isEmpty { index.prefetch(id.memoryHash) } }

    /// Notes that one more slot names the customer; gives their number, `none` for the empty id.
    mutating func join(_ id: ShortText) -> UInt32 {
        if id.isEmpty { return Self.none }
        let hash = id.memoryHash
        let number = find(id, hash) ?? add(id, hash)
        customers[Int(number)].slots += 1
        return number
    }

    /// Notes that one slot fewer names the customer, who must be out of every chain by then.
    mutating func leave(_ number: UInt32) {
        guard number != Self.none else { return }
        customers[Int(number)].slots -= 1
        let customer = customers[Int(number)]
        guard customer.slots == 0 else { return }
        precondition(customer.holds == 0, "a customer with holds was forgotten")
        index.remove(id(number).memoryHash, number)
        ids.remove(customer.id, count: customer.idByteCount)
        customers[Int(number)].firstHold = firstFree
        firstFree = number
    }

    func id(_ number: UInt32) -> ShortText {
        if number == Self.none { return .empty }
        let customer = customers[Int(number)]
        return ids.text(customer.id, count: customer.idByteCount)
    }

    @inline(__always)
    func isID(_ id: ShortText, of number: UInt32) -> Bool {
        if number == Self.none { return id.isEmpty }
        let customer = customers[Int(number)]
        return customer.idByteCount == id.count && ids.equals(customer.id, count: id.count, id)
    }

    /// Memory set aside, by what it is for.
    var byteCounts: (customers: Int, index: Int) {
        (customers.byteCount + ids.byteCount, index.byteCount)
    }

    @inline(__always)
    private func find(_ id: ShortText, _ hash: UInt64) -> UInt32? {
        var search = index.search(hash)
        while let number = index.next(&search) {
            if isID(id, of: number) { return number }
        }
        return nil
    }

    private mutating func add(_ id: ShortText, _ hash: UInt64) -> UInt32 {
        let customer = Customer(id: ids.add(id), idByteCount: id.count)
        let number: UInt32
        if firstFree != Self.none {
            number = firstFree
            firstFree = customers[Int(number)].firstHold
            customers[Int(number)] = customer
        } else {
            number = UInt32(customers.count)
            customers.append(customer)
        }
        index.insert(hash, number)
        return number
    }
}
