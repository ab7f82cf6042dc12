extension Rejection {
    /// A refusal in the form of builds that told fewer numbers with it, or said it in other words. It is read from answers
    /// that are kept, so that a retry hears the same bytes from every build; nothing is decided in this form any more.
    public enum Earlier: Equatable, Sendable {
        case eventHasSales(sold: UInt32, reserved: UInt32)
        case sectionInactive(SectionNumber)
        case soldOut(SectionNumber, asked: UInt32, available: UInt32)
        case tierInactive(TierNumber)
        case amountMismatch(given: Int64, total: Int64)
        case cancelledWithSales(sold: UInt32)
        case overVenueMaximum(asked: UInt64, others: UInt64, maximum: UInt32)
        case scheduleEnded(SectionNumber, endedAt: Milliseconds)

        /// The same as this build says it; what it tells beside is made up.
        public var today: Rejection {
            switch self {
            case .eventHasSales(let sold, let reserved): .eventHasSales(sold: sold, reserved: reserved)
            case .sectionInactive(let section): .sectionInactive(section)
            case .soldOut(let section, let asked, let available):
                .soldOut(section, asked: asked, available: available, buffer: 0)
            case .tierInactive(let tier): .tierInactive(tier)
            case .amountMismatch(let given, let total): .amountMismatch(given: given, total: total)
            case .cancelledWithSales(let sold): .cancelledWithSales(sold: sold)
            case .overVenueMaximum(let asked, let others, let maximum):
                .overVenueMaximum(asked: asked, others: others, maximum: maximum)
            case .scheduleEnded(let section, let end): .scheduleEnded(section, endedAt: end)
            }
        }

        /// As it is kept: see RejectionCodec.swift.
        var numbers: (UInt8, Int64, Int64, Int64) {
            switch self {
            case .eventHasSales(let sold, let reserved): (9, Int64(sold), Int64(reserved), 0)
            case .sectionInactive(let section): (12, Int64(section), 0, 0)
            case .soldOut(let section, let asked, let available): (14, Int64(section), Int64(asked), Int64(available))
            case .tierInactive(let tier): (19, Int64(tier), 0, 0)
            case .amountMismatch(let given, let total): (31, given, total, 0)
            case .cancelledWithSales(let sold): (62, Int64(sold), 0, 0)
            case .overVenueMaximum(let asked, let others, let maximum):
                (68, Int64(clamping: asked), Int64(clamping: others), Int64(maximum))
            case .scheduleEnded(let section, let end): (73, Int64(section), end, 0)
            }
        }
    }
}
