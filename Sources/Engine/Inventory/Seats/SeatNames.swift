/// What the seats of a section are called. Rows come in addition only, and names never change.
///
/// A row takes 16 bytes and its label; seats that bear numbers take nothing, others 4 bytes more than their label.
struct SeatNames: Sendable {
    private struct Row: Sendable {
        let label: TextArena.Address
        /// The position of the row's first seat.
        let start: UInt32
        /// The first seat's number; or the place of the seats' labels in `labels`.
        let first: UInt32
        /// From one number to the next; 0 for seats with labels.
        let step: Int16
        let labelByteCount: UInt8
    }

    private var rows = PagedArray<Row>()
    private var rowLabels = TextArena()
    /// From a row's label to its number.
    private var index = FlatIndex()
    /// Those of the rows whose seats don't bear numbers.
    private var labels = PagedArray<SeatLabels>()
    private var labelByteCount = 0
    private(set) var seatCount: UInt32 = 0

    var rowCount: Int { rows.count }

    /// Memory set aside.
    var byteCount: Int {
        rows.byteCount + rowLabels.byteCount + index.byteCount + labels.byteCount + labelByteCount
    }

    /// - Precondition: there is no row of that label yet.
    mutating func add(_ row: SeatRow) {
        index.insert(row.label.memoryHash, UInt32(rows.count))
        let label = rowLabels.add(row.label)
        switch row.seats {
        case .numbers(let first, let step, _):
            add(label, row.label.count, first, step)
        case .texts(let texts):
            add(label, row.label.count, UInt32(labels.count), 0)
            let row = SeatLabels(texts)
            labelByteCount += row.byteCount
            labels.append(row)
        }
        seatCount += UInt32(row.seatCount)
    }

    private mutating func add(_ label: TextArena.Address, _ byteCount: UInt8, _ first: UInt32, _ step: Int16) {
        rows.append(Row(label: label, start: seatCount, first: first, step: step, labelByteCount: byteCount))
    }

    // MARK: - Rows

    func rowNumber(_ label: ShortText) -> Int? {
        var search = index.search(label.memoryHash)
        while let number = index.next(&search) {
            let row = rows[Int(number)]
            if row.labelByteCount == label.count, rowLabels.equals(row.label, count: label.count, label) {
                return Int(number)
            }
        }
        return nil
    }

    /// The positions of the row's seats.
    func positions(ofRow number: Int) -> Range<UInt32> {
        rows[number].start..<(number + 1 < rows.count ? rows[number + 1].start : seatCount)
    }

    /// The row in which the seat stands.
    /// - Precondition: there is such a seat.
    func row(ofSeat position: UInt32) -> Int {
        precondition(position < seatCount, "a seat that isn't there")
        var low = 0
        var high = rows.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if rows[middle].start <= position { low = middle } else { high = middle }
        }
        return low
    }

    /// The row as it was given.
    func row(_ number: Int) -> SeatRow {
        let row = rows[number]
        let label = rowLabels.text(row.label, count: row.labelByteCount)
        let count = UInt32(positions(ofRow: number).count)
        if row.step != 0 {
            return SeatRow(label: label, seats: .numbers(first: row.first, step: row.step, count: count))
        }
        let labels = labels[Int(row.first)]
        return SeatRow(label: label, seats: .texts((0..<Int(count)).map { labels.text($0) }))
    }

    // MARK: - Seats

    /// The position of the seat with this name; nil where there is none. Looks the row up, then the label in it: no walk.
    func position(of name: ShortText) -> UInt32? {
        name.withBytes { bytes in
            guard let cut = bytes.lastIndex(of: UInt8(ascii: "-")) else { return nil }
            let label = ShortText(trusted: UnsafeRawBufferPointer(rebasing: bytes[..<cut]))
            guard let number = rowNumber(label) else { return nil }
            return position(of: UnsafeRawBufferPointer(rebasing: bytes[(cut + 1)...]), inRow: number)
        }
    }

    private func position(of label: UnsafeRawBufferPointer, inRow number: Int) -> UInt32? {
        let row = rows[number]
        let count = UInt32(positions(ofRow: number).count)
        if row.step != 0 {
            guard let value = Self.number(label) else { return nil }
            let (index, rest) = (value - Int(row.first)).quotientAndRemainder(dividingBy: Int(row.step))
            return rest == 0 && index >= 0 && index < count ? row.start + UInt32(index) : nil
        }
        return labels[Int(row.first)].find(label).map { row.start + UInt32($0) }
    }

    /// - Precondition: there is such a seat.
    func name(of position: UInt32) -> ShortText {
        let number = row(ofSeat: position)
        let row = rows[number]
        var name = InlineArray<64, UInt8>(repeating: 0)
        return withUnsafeMutableBytes(of: &name) { raw in
            var count = 0
            func append(_ bytes: UnsafeRawBufferPointer) {
                UnsafeMutableRawBufferPointer(rebasing: raw[count...]).copyMemory(from: bytes)
                count += bytes.count
            }
            rowLabels.text(row.label, count: row.labelByteCount).withBytes { append($0) }
            raw[count] = UInt8(ascii: "-")
            count += 1
            if row.step != 0 {
                var digits = String(Int(row.first) + Int(row.step) * Int(position - row.start))
                digits.withUTF8 { append(UnsafeRawBufferPointer($0)) }
            } else {
                labels[Int(row.first)].text(Int(position - row.start)).withBytes { append($0) }
            }
            return ShortText(trusted: UnsafeRawBufferPointer(rebasing: raw[..<count]))
        }
    }

    /// The number that is written so; nil for every other way to write one.
    private static func number(_ digits: UnsafeRawBufferPointer) -> Int? {
        guard (1...7).contains(digits.count), digits.count == 1 || digits[0] != UInt8(ascii: "0") else { return nil }
        var value = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }
}
