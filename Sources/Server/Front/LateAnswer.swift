/// An answer that is rendered in a later turn than its request.
struct LateAnswer: Sendable {
    typealias Write = @Sendable (inout ResponseWriter) -> Range<Int>

    /// What it takes, about, where that may be much: it is refused when the large requests take as much as they may.
    let bytes: Int
    let write: Write
    let refuse: Write

    init(bytes: Int, else refuse: @escaping Write, _ write: @escaping Write) {
        self.bytes = bytes > 64 * 1_024 ? bytes : 0
        self.write = write
        self.refuse = refuse
    }

    init(_ write: @escaping Write) { self.init(bytes: 0, else: write, write) }
}
