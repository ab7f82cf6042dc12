/// A row of numbered seats as the organizer gives it: a label, and the seats' own labels in the order in which they stand.
///
/// A seat's name is `<row>-<seat>`. A seat's label has no `-`, so a name is taken apart at its last one.
public struct SeatRow: Equatable, Sendable {
    public enum Labels: Equatable, Sendable {
        /// Decimal numbers: `first`, then each `step` more (or less, where it is negative) than the one before.
        case numbers(first: UInt32, step: Int16, count: UInt32)
        case texts([ShortText])
    }

    /// 1 to `InventoryLimits.rowLabelBytesMax` bytes.
    public var label: ShortText
    public var seats: Labels

    public init(label: ShortText, seats: Labels) {
        self.label = label
        self.seats = seats
    }

    /// The row whose seats bear the numbers from `first` to `last`, counting up or down by `step`.
    /// - Precondition: `step` is 1 to `InventoryLimits.seatNumberStepMax`.
    public init(label: ShortText, from first: UInt32, to last: UInt32, step: UInt32 = 1) {
        let isUp = first <= last
        let count = (isUp ? last - first : first - last) / step + 1
        self.init(
            label: label,
            seats: .numbers(first: first, step: isUp ? Int16(step) : -Int16(step), count: count)
        )
    }

    public var seatCount: Int {
        switch seats {
        case .numbers(_, _, let count): Int(count)
        case .texts(let labels): labels.count
        }
    }
}

/// Seats that stand side by side in one row. A seat's position is its place among all seats of its section, row by row.
public struct SeatRun: Equatable, Sendable {
    public var first: UInt32
    /// 1 to `InventoryLimits.seatsPerRowMax`.
    public var count: UInt16
    /// The line of the hold that has them; 0 where no hold is meant.
    public var line: UInt8

    public init(first: UInt32, count: UInt16, line: UInt8 = 0) {
        self.first = first
        self.count = count
        self.line = line
    }

    public var positions: Range<UInt32> { first..<first + UInt32(count) }
}

/// What a seat is. free → held → sold → free (refunded), held → free, free ↔ blocked.
public enum SeatState: UInt8, Sendable, CaseIterable {
    case free, held, sold, blocked
}

/// The seats that a request names, for each of its lines; none for a line that takes the best there are.
public final class NamedSeats: Equatable, Sendable {
    public let lines: [[ShortText]]

    public init(lines: [[ShortText]]) { self.lines = lines }

    public static func == (left: NamedSeats, right: NamedSeats) -> Bool { left.lines == right.lines }
}

extension InventoryLimits {
    public static let rowsPerSectionMax = 10_000
    public static let seatsPerRowMax = 1_000
    public static let seatsPerEventMax = 1_000_000
    public static let rowLabelBytesMax = 40
    public static let seatLabelBytesMax = 16
    /// The largest number that a seat can bear.
    public static let seatNumberMax: UInt32 = 1_000_000
    public static let seatNumberStepMax: UInt32 = 100
    /// Seats that one command can block or give back.
    public static let seatsPerChangeMax = 10_000
}
