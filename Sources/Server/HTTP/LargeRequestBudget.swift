/// How much memory the large requests of one loop may take together: their bodies while they arrive and are worked
/// on, and their answers until they are sent.
final class LargeRequestBudget {
    let bytesMax: Int
    private(set) var bytes = 0

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
        private var bytes: Int

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
}
