import Engine

/// Where a page ends, as opaque text.
enum Cursor {
    /// - Returns: how many come before the page; nil for a text that `text(start:)` doesn't make.
    static func start(_ text: UnsafeRawBufferPointer) -> UInt32? {
        var bytes = InlineArray<3, UInt8>(repeating: 0)
        guard withUnsafeMutableBytes(of: &bytes, { Base64URL.decode(text, into: $0) }) else { return nil }
        return UInt32(bytes[0]) << 16 | UInt32(bytes[1]) << 8 | UInt32(bytes[2])
    }

    /// - Parameter start: below 2²⁴.
    static func text(start: UInt32) -> String { text(bytes(of: start)) }

    /// - Returns: the row that the page begins with; nil for a text that `text(place:)` doesn't make.
    static func place(_ text: UnsafeRawBufferPointer) -> SeatRowPlace? {
        guard text.count == 8, let section = start(UnsafeRawBufferPointer(rebasing: text[..<4])),
            let row = start(UnsafeRawBufferPointer(rebasing: text[4...]))
        else { return nil }
        return SeatRowPlace(section: section, row: row)
    }

    static func text(place: SeatRowPlace) -> String { text(bytes(of: place.section) + bytes(of: place.row)) }

    private static func bytes(of number: UInt32) -> [UInt8] {
        [UInt8(truncatingIfNeeded: number >> 16), UInt8(truncatingIfNeeded: number >> 8), UInt8(number & 0xFF)]
    }

    /// - Returns: the id that the page begins behind; nil for a text that `text(after:)` doesn't make.
    static func after(_ text: UnsafeRawBufferPointer) -> ShortText? {
        guard !text.isEmpty, text.count <= 88 else { return nil }
        var bytes = [UInt8](repeating: 0, count: text.count / 4 * 3)
        guard bytes.withUnsafeMutableBytes({ Base64URL.decode(text, into: $0) }) else { return nil }
        let id = bytes.prefix { $0 != 0 }
        guard let after = id.withUnsafeBytes({ ShortText(utf8: $0) }), !after.isEmpty,
            self.text(after: after).utf8.elementsEqual(text)
        else { return nil }
        return after
    }

    /// The id, filled up with zeros to whole groups of three bytes.
    static func text(after id: ShortText) -> String {
        var bytes = id.withBytes { Array($0) }
        while bytes.count % 3 != 0 { bytes.append(0) }
        return text(bytes)
    }

    static func text(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: bytes.count / 3 * 4) { output in
            bytes.withUnsafeBytes { Base64URL.encode($0, into: UnsafeMutableRawBufferPointer(output)) }
            return bytes.count / 3 * 4
        }
    }
}
