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
        /// Slots that name the customer, those of ended holds included.
        fileprivate var slots: UInt32 = 0
        fileprivate var id: TextArena.Address
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
        id.isEmpty ? nil : index.find(id.memoryHash) { ids.equals(customers[Int($0)].id, id) }
    }

    /// Notes that one more slot names the customer; gives their number, `none` for the empty id.
    mutating func join(_ id: ShortText) -> UInt32 {
        if id.isEmpty { return Self.none }
        let hash = id.memoryHash
        let known = index.find(hash) { ids.equals(customers[Int($0)].id, id) }
        let number = known ?? add(id, hash)
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
        index.remove(ids.hash(customer.id), number) { [ids, customers] in ids.hash(customers[Int($0)].id) }
        ids.remove(customer.id)
        customers[Int(number)].firstHold = firstFree
        firstFree = number
    }

    func id(_ number: UInt32) -> ShortText {
        number == Self.none ? .empty : ids.text(customers[Int(number)].id)
    }

    @inline(__always)
    func isID(_ id: ShortText, of number: UInt32) -> Bool {
        number == Self.none ? id.isEmpty : ids.equals(customers[Int(number)].id, id)
    }

    /// Memory set aside, by what it is for.
    var byteCounts: (customers: Int, index: Int) {
        (customers.byteCount + ids.byteCount, index.byteCount)
    }

    private mutating func add(_ id: ShortText, _ hash: UInt64) -> UInt32 {
        let customer = Customer(id: ids.add(id))
        let number: UInt32
        if firstFree != Self.none {
            number = firstFree
            firstFree = customers[Int(number)].firstHold
            customers[Int(number)] = customer
        } else {
            number = UInt32(customers.count)
            customers.append(customer)
        }
        if index.isFull(at: hash) {
            index.grow(at: hash) { [ids, customers] in ids.hash(customers[Int($0)].id) }
        }
        index.insert(hash, number)
        return number
    }
}
