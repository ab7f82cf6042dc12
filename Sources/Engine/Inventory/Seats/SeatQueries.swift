// What is shown of numbered seats, a page at a time, so that one answer has a limit.

/// A row of an event's numbered seats: where a page of them begins.
public struct SeatRowPlace: Equatable, Sendable {
    public var section: SectionNumber
    public var row: UInt32

    public init(section: SectionNumber = 0, row: UInt32 = 0) {
        self.section = section
        self.row = row
    }
}

/// Rows of an event's sections, in the order of the sections; and where the next ones begin, nil behind the last one.
public struct SeatRowPage: Equatable, Sendable {
    public struct Part: Equatable, Sendable {
        public let view: SeatMapView
        public let rows: Range<Int>
    }

    public let parts: [Part]
    public let next: SeatRowPlace?
}

extension InventoryLimits {
    /// Seats on a page of a section's rows, which shows what they are called; fewer rows than asked for are shown then.
    public static let seatsPerPageMax: UInt32 = 20_000
}

extension SeatMap {
    /// The rows of a page that begins with `first`: at most `limit`, and as many whole ones as have `seatsPerPageMax` seats.
    public func page(from first: Int, limit: Int) -> Range<Int> {
        guard first < rowCount else { return rowCount..<rowCount }
        let end = names.positions(ofRow: first).lowerBound + InventoryLimits.seatsPerPageMax
        let firstBeyond = end < seatCount ? names.row(ofSeat: end) : rowCount
        return first..<min(first + limit, firstBeyond)
    }
}

extension EventInventory {
    func seatMapView(_ number: SectionNumber) -> SeatMapView? {
        seatMap(of: number).map { SeatMapView(section: number, counts: sections[Int(number)].counts, map: $0) }
    }

    /// At most `limit` rows, from `place` on, of all sections that have numbered seats.
    func seatRows(from place: SeatRowPlace, limit: Int) -> SeatRowPage {
        var parts: [SeatRowPage.Part] = []
        var left = limit
        var first = Int(place.row)
        for number in min(Int(place.section), sections.count)..<sections.count {
            defer { first = 0 }
            guard let view = seatMapView(SectionNumber(number)), first < view.map.rowCount else { continue }
            guard left > 0 else {
                return SeatRowPage(parts: parts, next: SeatRowPlace(section: SectionNumber(number)))
            }
            let rows = first..<min(first + left, view.map.rowCount)
            parts.append(SeatRowPage.Part(view: view, rows: rows))
            left -= rows.count
            guard rows.upperBound == view.map.rowCount else {
                let next = SeatRowPlace(section: SectionNumber(number), row: UInt32(rows.upperBound))
                return SeatRowPage(parts: parts, next: next)
            }
        }
        return SeatRowPage(parts: parts, next: nil)
    }
}
