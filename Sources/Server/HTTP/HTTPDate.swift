/// The Date header line of the current second (RFC 9110, 5.6.7), rendered once a second and copied from there on.
struct HTTPDate: ~Copyable, Sendable {
    private var epochSeconds: Int64 = -1
    private var line = ByteWriter(capacity: 64)

    mutating func set(epochSeconds: Int64) {
        guard epochSeconds != self.epochSeconds else { return }
        self.epochSeconds = epochSeconds
        let date = CivilDate(daysSinceEpoch: epochSeconds / 86_400)
        let second = epochSeconds % 86_400
        line.removeAll()
        line.append("Date: ")
        line.append(Self.weekdays[Int((epochSeconds / 86_400 + 4) % 7)])
        line.append(", ")
        line.append(decimal: UInt64(date.day), digitsMin: 2)
        line.append(Self.months[date.month - 1])
        line.append(decimal: UInt64(date.year), digitsMin: 4)
        line.append(" ")
        line.append(decimal: UInt64(second / 3600), digitsMin: 2)
        line.append(":")
        line.append(decimal: UInt64(second / 60 % 60), digitsMin: 2)
        line.append(":")
        line.append(decimal: UInt64(second % 60), digitsMin: 2)
        line.append(" GMT\r\n")
    }

    borrowing func append(to bytes: inout ByteWriter) {
        line.withBytes { bytes.append($0) }
    }

    // The first day of 1970 was a Thursday.
    private static let weekdays: [StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months: [StaticString] = [
        " Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ", " Jul ", " Aug ", " Sep ", " Oct ", " Nov ", " Dec ",
    ]
}
