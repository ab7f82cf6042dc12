import WAL

// Rows and seats in a record. FORMAT.md describes the same, byte by byte.

extension RecordBuffer {
    mutating func write(_ rows: [SeatRow]) {
        write(UInt32(rows.count))
        for row in rows {
            write(row.label)
            switch row.seats {
            case .numbers(let first, let step, let count):
                write(UInt8(0))
                write(first)
                write(step)
                write(count)
            case .texts(let labels):
                write(UInt8(1))
                write(UInt32(labels.count))
                for label in labels { write(label) }
            }
        }
    }

    mutating func write(_ runs: [SeatRun]) {
        write(UInt32(runs.count))
        for run in runs {
            write(run.first)
            write(run.count)
            write(run.line)
        }
    }
}

extension RecordDecoder {
    mutating func readRows() throws(Malformed) -> [SeatRow] {
        let count = Int(try read(UInt32.self))
        guard count <= InventoryLimits.rowsPerSectionMax else { throw malformed("\(count) rows") }
        var rows: [SeatRow] = []
        for _ in 0..<count {
            let label = try readShortText()
            guard Int(label.count) <= InventoryLimits.rowLabelBytesMax else {
                throw malformed("a row's label is too long")
            }
            rows.append(SeatRow(label: label, seats: try readSeatLabels()))
        }
        return rows
    }

    private mutating func readSeatLabels() throws(Malformed) -> SeatRow.Labels {
        if try !readBool() {
            let (first, step, count) = (try read(UInt32.self), try read(Int16.self), try read(UInt32.self))
            let last = Int64(first) + Int64(step) * (Int64(count) - 1)
            guard (1...UInt32(InventoryLimits.seatsPerRowMax)).contains(count), step != 0, last >= 0,
                max(Int64(first), last) <= InventoryLimits.seatNumberMax
            else { throw malformed("no numbers of seats") }
            return .numbers(first: first, step: step, count: count)
        }
        let count = Int(try read(UInt32.self))
        guard (1...InventoryLimits.seatsPerRowMax).contains(count) else { throw malformed("\(count) seats in a row") }
        var labels: [ShortText] = []
        for _ in 0..<count {
            let label = try readShortText()
            guard Int(label.count) <= InventoryLimits.seatLabelBytesMax else {
                throw malformed("a seat's label is too long")
            }
            labels.append(label)
        }
        return .texts(labels)
    }

    mutating func readRuns() throws(Malformed) -> [SeatRun] {
        let count = Int(try read(UInt32.self))
        guard count <= InventoryLimits.seatsPerEventMax else { throw malformed("\(count) stretches of seats") }
        var runs: [SeatRun] = []
        for _ in 0..<count {
            let run = SeatRun(first: try read(), count: try read(), line: try read())
            guard run.count > 0, run.first <= UInt32(InventoryLimits.seatsPerEventMax) else {
                throw malformed("seats out of range")
            }
            runs.append(run)
        }
        return runs
    }

    /// A hold, and the seats that it has.
    mutating func readSeatedHold() throws(Malformed) -> HoldState {
        let hold = try readHold()
        let seats = try readRuns()
        guard !seats.isEmpty, seats.allSatisfy({ Int($0.line) < hold.lineCount }) else {
            throw malformed("a hold without the seats that it should have")
        }
        return hold.with(seats: seats)
    }
}
