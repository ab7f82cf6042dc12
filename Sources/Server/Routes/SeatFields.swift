import Engine

// The bodies of numbered seats.

/// `{rows: [{label, from, to, step?} | {label, seats: [{label} | "label"]}]}`
struct RowsFields {
    var rows: [SeatRow] = []

    init(_ body: inout BodyReader) throws(JSONError) {
        rows = try body.onlyMember("rows") { body throws(JSONError) in try Self.rows(&body) } ?? []
    }

    private static func rows(_ body: inout BodyReader) throws(JSONError) -> [SeatRow] {
        var rows: [SeatRow] = []
        guard try body.beginList() else { return rows }
        while try body.nextElement() {
            if let row = try row(&body) { rows.append(row) }
        }
        if rows.isEmpty, body.errors.isEmpty { body.note("rows", "must have at least one row") }
        return rows
    }

    private static func row(_ body: inout BodyReader) throws(JSONError) -> SeatRow? {
        var (label, from, to, step) = (nil as ShortText?, nil as UInt32?, nil as UInt32?, 1 as UInt32?)
        var seats: [ShortText]?
        var seen: UInt64 = 0
        let path = body.fieldPath
        let errorsBefore = body.errors.count
        guard try body.beginElement() else { return nil }
        while let key = try body.nextElementKey() {
            switch key {
            case "label":
                try body.once(0, &seen)
                label = try body.label(bytesMax: InventoryLimits.rowLabelBytesMax)
            case "from":
                try body.once(1, &seen)
                from = try body.integer(in: 0...Int64(InventoryLimits.seatNumberMax))
            case "to":
                try body.once(2, &seen)
                to = try body.integer(in: 0...Int64(InventoryLimits.seatNumberMax))
            case "step":
                try body.once(3, &seen)
                step = try body.integer(in: 1...Int64(InventoryLimits.seatNumberStepMax))
            case "seats":
                try body.once(4, &seen)
                seats = try labels(&body)
            default: try body.skip()
            }
        }
        guard body.errors.count == errorsBefore else { return nil }
        guard let label else {
            body.note("\(path).label", "is required")
            return nil
        }
        if let seats, from == nil, to == nil {
            return checked(SeatRow(label: label, seats: .texts(seats)), path, &body)
        }
        guard seats == nil, let from, let to, let step else {
            body.note(path, "must have either seats, or from and to")
            return nil
        }
        return checked(SeatRow(label: label, from: from, to: to, step: step), path, &body)
    }

    private static func checked(_ row: SeatRow, _ path: String, _ body: inout BodyReader) -> SeatRow? {
        guard (1...InventoryLimits.seatsPerRowMax).contains(row.seatCount) else {
            body.note(path, "must have 1 to \(InventoryLimits.seatsPerRowMax) seats")
            return nil
        }
        guard case .texts(let labels) = row.seats, Set(labels).count < labels.count else { return row }
        body.note(path, "must not have two seats with one label")
        return nil
    }

    private static func labels(_ body: inout BodyReader) throws(JSONError) -> [ShortText] {
        var labels: [ShortText] = []
        guard try body.beginList() else { return labels }
        while try body.nextElement() {
            if let label = try seatLabel(&body), labels.count <= InventoryLimits.seatsPerRowMax {
                labels.append(label)
            }
        }
        return labels
    }

    private static func seatLabel(_ body: inout BodyReader) throws(JSONError) -> ShortText? {
        guard try body.isObject() else { return try body.seatLabel() }
        var label: ShortText?
        var seen: UInt64 = 0
        let path = body.fieldPath
        guard try body.beginElement() else { return nil }
        while let key = try body.nextElementKey() {
            guard "label" ~= key else {
                try body.skip()
                continue
            }
            try body.once(0, &seen)
            label = try body.seatLabel()
        }
        if seen == 0 { body.note("\(path).label", "is required") }
        return label
    }
}

/// `{seats: ["A-1", …]}`
struct SeatNamesFields {
    var seats: [ShortText] = []

    init(_ body: inout BodyReader) throws(JSONError) {
        let seats = try body.onlyMember("seats") { body throws(JSONError) in
            try body.seatNames(max: InventoryLimits.seatsPerChangeMax)
        }
        self.seats = seats ?? []
    }
}

extension BodyReader {
    /// The names of 1 to `max` seats; empty, with an error noted, where they are none.
    mutating func seatNames(max: Int) throws(JSONError) -> [ShortText] {
        var names: [ShortText] = []
        let path = fieldPath
        guard try beginList() else { return names }
        var count = 0
        while try nextElement() {
            count += 1
            guard count <= max else {
                try skip()
                continue
            }
            if let name = try name() { names.append(name) }
        }
        if !(1...max).contains(count) { note(path, "must name 1 to \(max) seats") }
        return names
    }

    fileprivate mutating func label(bytesMax: Int) throws(JSONError) -> ShortText? {
        guard let label = try name() else { return nil }
        guard label.count <= bytesMax else {
            note("must have 1 to \(bytesMax) bytes")
            return nil
        }
        return label
    }

    /// A seat's name is taken apart at its last `-`.
    fileprivate mutating func seatLabel() throws(JSONError) -> ShortText? {
        guard let label = try label(bytesMax: InventoryLimits.seatLabelBytesMax) else { return nil }
        guard label.withBytes({ !$0.contains(UInt8(ascii: "-")) }) else {
            note("must have no - in it")
            return nil
        }
        return label
    }
}
