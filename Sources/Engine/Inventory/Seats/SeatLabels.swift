import Glibc

/// What the seats of a row are called that don't bear numbers. A seat is found by its label in a binary search, and a label
/// by its seat at once.
///
/// One block of memory: how many there are, of each where its label ends, then the seats in the order of their labels, each
/// a number of 2 bytes; then the labels.
struct SeatLabels: Sendable {
    private let block: ContiguousArray<UInt8>

    /// - Precondition: 1 to `InventoryLimits.seatsPerRowMax` labels, no two of them alike.
    init(_ labels: [ShortText]) {
        let sorted = labels.indices.sorted { labels[$0].precedes(labels[$1]) }
        let numbersByteCount = (1 + 2 * labels.count) * 2
        let byteCount = labels.reduce(numbersByteCount) { $0 + Int($1.count) }
        block = ContiguousArray(unsafeUninitializedCapacity: byteCount) { block, initializedCount in
            let bytes = UnsafeMutableRawBufferPointer(block)
            var offset = 0
            func append(_ number: Int) {
                bytes.storeBytes(of: UInt16(number), toByteOffset: offset, as: UInt16.self)
                offset += 2
            }
            append(labels.count)
            var end = 0
            for label in labels {
                end += Int(label.count)
                append(end)
            }
            for seat in sorted { append(seat) }
            for label in labels {
                label.withBytes { UnsafeMutableRawBufferPointer(rebasing: bytes[offset...]).copyMemory(from: $0) }
                offset += Int(label.count)
            }
            initializedCount = byteCount
        }
    }

    /// Memory set aside, with the array's own 32 bytes.
    var byteCount: Int { block.capacity + 32 }

    /// - Precondition: there is such a seat.
    func text(_ seat: Int) -> ShortText { block.withUnsafeBytes { ShortText(trusted: Self.label(seat, in: $0)) } }

    /// The seat with this label; nil where there is none.
    func find(_ label: UnsafeRawBufferPointer) -> Int? {
        block.withUnsafeBytes { block in
            let count = Self.number(0, in: block)
            var low = 0
            var high = count
            while low < high {
                let middle = (low + high) / 2
                let seat = Self.number(1 + count + middle, in: block)
                let order = Self.order(Self.label(seat, in: block), label)
                if order == 0 { return seat }
                if order < 0 { low = middle + 1 } else { high = middle }
            }
            return nil
        }
    }

    private static func number(_ index: Int, in block: UnsafeRawBufferPointer) -> Int {
        Int(block.load(fromByteOffset: index * 2, as: UInt16.self))
    }

    private static func label(_ seat: Int, in block: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let start = (1 + 2 * number(0, in: block)) * 2
        let first = seat == 0 ? 0 : number(seat, in: block)
        return UnsafeRawBufferPointer(rebasing: block[start + first..<start + number(seat + 1, in: block)])
    }

    /// Below, at or above zero as the left one comes before, is, or comes behind the right one: as `ShortText.precedes`.
    private static func order(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        let shared = min(left.count, right.count)
        let difference = shared == 0 ? 0 : memcmp(left.baseAddress!, right.baseAddress!, shared)
        return difference == 0 ? left.count - right.count : Int(difference)
    }
}
