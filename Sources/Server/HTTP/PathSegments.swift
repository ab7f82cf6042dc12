/// A path, split at its slashes before anything is decoded: `%2F` never separates.
struct PathSegments {
    /// Paths with more segments lead nowhere.
    static let countMax = 8

    enum Failure: Error {
        /// Too many segments or an empty one, a slash at the end included: no route has such a path.
        case notFound
        /// A broken escape, or `.` or `..`, which clients resolve before they send.
        case malformed
    }

    private(set) var count = 0
    private var segments: InlineArray<8, PercentText?> = InlineArray(repeating: nil)

    /// - Parameter path: begins with a slash; a lone slash has no segments. Must outlive the segments.
    init(_ path: UnsafeRawBufferPointer) throws(Failure) {
        guard path.count > 1 else { return }
        var start = 1
        while start <= path.count {
            var end = start
            while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
            try append(UnsafeRawBufferPointer(rebasing: path[start..<end]))
            start = end + 1
        }
    }

    /// - Precondition: `index` is from 0 to below `count`.
    subscript(_ index: Int) -> PercentText {
        precondition(index < count)
        return segments[index]!
    }

    private mutating func append(_ content: UnsafeRawBufferPointer) throws(Failure) {
        guard !content.isEmpty, count < Self.countMax else { throw .notFound }
        guard let segment = PercentText(content, plusIsBlank: false), !segment.equals("."), !segment.equals("..")
        else { throw .malformed }
        segments[count] = segment
        count += 1
    }
}
