/// How much memory the large requests of one loop may take together: their bodies while they arrive and are worked
/// on, and their answers until they are sent.
final class LargeRequestBudget {
    /// Spare memory kept in all, and in one piece, in bytes: mapping fresh pages costs more than filling them.
    private static let spareBytesMax = 32 << 20
    private static let spareBytesEach = 4 << 20

    let bytesMax: Int
    private(set) var bytes = 0
    private var spares: [Spare] = []
    private var spareInputs: [[UInt8]] = []
    private var spareBytes = 0

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// A share of the budget; nil when there is not so much left.
    func lease(_ bytes: Int) -> Lease? {
        guard bytes <= bytesMax - self.bytes else { return nil }
        self.bytes += bytes
        return Lease(bytes, of: self)
    }

    /// A share that is given back when nobody holds it any more.
    final class Lease {
        private let budget: LargeRequestBudget
        private(set) var bytes: Int

        fileprivate init(_ bytes: Int, of budget: LargeRequestBudget) {
            self.budget = budget
            self.bytes = bytes
        }

        deinit { budget.bytes -= bytes }

        /// Makes the share as large as `bytes`; false, and as it was, when there is not so much left.
        func grow(to bytes: Int) -> Bool {
            let more = max(0, bytes - self.bytes)
            guard more <= budget.bytesMax - budget.bytes else { return false }
            budget.bytes += more
            self.bytes += more
            return true
        }
    }

    // MARK: - Memory for the next ones

    private final class Spare {
        var bytes = ByteWriter(capacity: 64)
    }

    /// Memory to write into, empty.
    func takeSpare() -> ByteWriter {
        var bytes = ByteWriter(capacity: 64)
        if let spare = spares.popLast() {
            spareBytes -= spare.bytes.capacity
            swap(&spare.bytes, &bytes)
        }
        return bytes
    }

    /// Exchanges the memory for a little.
    func giveBack(_ bytes: inout ByteWriter) {
        let spare = Spare()
        swap(&spare.bytes, &bytes)
        guard mayKeep(spare.bytes.capacity) else { return }
        spare.bytes.removeAll()
        spares.append(spare)
    }

    func takeInput() -> [UInt8] {
        guard let spare = spareInputs.popLast() else { return [] }
        spareBytes -= spare.capacity
        return spare
    }

    func giveBack(_ input: inout [UInt8]) {
        // Taken out: `removeAll` keeps the memory only where nobody else holds it.
        var spare: [UInt8] = []
        swap(&spare, &input)
        guard mayKeep(spare.capacity) else { return }
        spare.removeAll(keepingCapacity: true)
        spareInputs.append(spare)
    }

    private func mayKeep(_ bytes: Int) -> Bool {
        guard bytes <= Self.spareBytesEach, spareBytes + bytes <= Self.spareBytesMax else { return false }
        spareBytes += bytes
        return true
    }
}
