/// A query, read pair by pair: `limit=50&cursor=abc`.
struct QueryString {
    /// Queries with more pairs are refused.
    static let pairsMax = 32

    enum Failure: Error, Equatable {
        /// A broken escape, control characters, or nothing between two `&`.
        case malformed
        /// More than `pairsMax` pairs.
        case tooManyPairs
        /// A name that may be given once was given twice.
        case duplicate
    }

    private let content: UnsafeRawBufferPointer
    private var position = 0
    private var pairsRead = 0

    /// - Parameter content: without the `?`, empty where there is no query. Must outlive what is read from it.
    init(_ content: UnsafeRawBufferPointer) { self.content = content }

    /// The next pair; a name without `=` has an empty value.
    mutating func next() throws(Failure) -> (name: PercentText, value: PercentText)? {
        guard position < content.count else { return nil }
        guard pairsRead < Self.pairsMax else { throw .tooManyPairs }
        pairsRead += 1
        let end = index(of: UInt8(ascii: "&"), from: position, to: content.count)
        let nameEnd = index(of: UInt8(ascii: "="), from: position, to: end)
        let isLastEmpty = end + 1 == content.count
        guard nameEnd > position, !isLastEmpty,
            let name = PercentText(slice(position, nameEnd), plusIsBlank: true),
            let value = PercentText(slice(min(nameEnd + 1, end), end), plusIsBlank: true)
        else { throw .malformed }
        position = end + 1
        return (name, value)
    }

    /// The value of one name among all; the whole query is checked.
    func value(of name: StaticString) throws(Failure) -> PercentText? {
        var pairs = QueryString(content)
        var found: PercentText?
        while let pair = try pairs.next() {
            guard pair.name.equals(name) else { continue }
            guard found == nil else { throw .duplicate }
            found = pair.value
        }
        return found
    }

    private func index(of byte: UInt8, from start: Int, to end: Int) -> Int {
        var index = start
        while index < end, content[index] != byte { index += 1 }
        return index
    }

    private func slice(_ start: Int, _ end: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: content[start..<end])
    }
}
