/// The number of a record in the log: dense, counted from 1; `zero` stands before the first record.
public struct LogPosition: RawRepresentable, Comparable, Hashable, Sendable {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    @inlinable
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }

    /// Before the first record.
    public static let zero = LogPosition(0)

    @inlinable
    public static func < (left: LogPosition, right: LogPosition) -> Bool { left.rawValue < right.rawValue }
}

extension LogPosition: CustomStringConvertible {
    public var description: String { String(rawValue) }
}
